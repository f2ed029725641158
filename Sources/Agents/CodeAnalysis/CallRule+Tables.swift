extension CallRule {
    static let swift: [CallRule] = [
        CallRule(
            "swift.force-try", [.swift], "try !", .medium, cwe: 248, "Forced try",
            "An error here ends the process.", fix: "Handle the error or let the caller do it.", inTests: false),
        CallRule(
            "swift.force-cast", [.swift], "as !", .medium, cwe: 704, "Forced cast",
            "A value of another type here ends the process.", fix: "Use a conditional cast and say what happens else.",
            inTests: false),
        CallRule(
            "swift.unsafe-bit-cast", [.swift], "unsafeBitCast (", .high, cwe: 843, "Reinterpreted bits",
            "The compiler no longer checks that the value is one of that type.",
            fix: "Convert by initialisers, or bind memory to its type."),
        CallRule(
            "swift.unowned-unsafe", [.swift], "unowned ( unsafe )", .high, cwe: 416, "Unowned reference without check",
            "Access after the object's end is undefined.", fix: "Use weak, or unowned without (unsafe)."),
        CallRule(
            "swift.weak-hash", [.swift], "Insecure . *", .medium, cwe: 327, "Broken hash function",
            "Collisions of MD5 and SHA-1 can be made.", fix: "Use SHA-256 or better."),
        CallRule(
            "swift.shell", [.swift], "system (", .high, cwe: 78, "Shell command",
            "Whoever has a part in the text can run commands.", fix: "Start the program itself with an argument list.",
            when: .notLiteral(argument: 0)),
    ]

    static let python: [CallRule] = [
        CallRule(
            "python.eval", [.python], "eval (", .high, cwe: 95, "Evaluated text",
            "Whoever has a part in the text can run code.", fix: "Parse the value, for example with ast.literal_eval.",
            when: .notLiteral(argument: 0)),
        CallRule(
            "python.exec", [.python], "exec (", .high, cwe: 95, "Executed text",
            "Whoever has a part in the text can run code.", fix: "Call functions by name from a table.",
            when: .notLiteral(argument: 0)),
        CallRule(
            "python.os-system", [.python], "os . system (", .high, cwe: 78, "Shell command",
            "The text goes to a shell.", fix: "Use subprocess.run with an argument list.",
            when: .notLiteral(argument: 0)),
        CallRule(
            "python.os-popen", [.python], "os . popen (", .high, cwe: 78, "Shell command",
            "The text goes to a shell.", fix: "Use subprocess.run with an argument list."),
        CallRule(
            "python.shell-true", [.python], "subprocess . * (", .high, cwe: 78, "Process started through a shell",
            "Special characters in an argument become commands.", fix: "Drop shell=True and pass an argument list.",
            when: .contains(pieces("shell = True"))),
        CallRule(
            "python.pickle", [.python], "pickle . loads (", .high, cwe: 502, "Unpickled data",
            "Loading a pickle runs whatever code its author put there.", fix: "Use JSON or another plain format."),
        CallRule(
            "python.pickle", [.python], "pickle . load (", .high, cwe: 502, "Unpickled data",
            "Loading a pickle runs whatever code its author put there.", fix: "Use JSON or another plain format."),
        CallRule(
            "python.marshal", [.python], "marshal . loads (", .high, cwe: 502, "Unmarshalled data",
            "The format is not safe against made-up data.", fix: "Use JSON or another plain format."),
        CallRule(
            "python.yaml-load", [.python], "yaml . load (", .high, cwe: 502, "YAML loaded with constructors",
            "Tags in the document can make objects of any class.", fix: "Use yaml.safe_load.",
            when: .lacks(["SafeLoader", "CSafeLoader"])),
        CallRule(
            "python.mktemp", [.python], "tempfile . mktemp (", .medium, cwe: 377, "Name of a temporary file guessed",
            "Someone else can make the file first.", fix: "Use tempfile.mkstemp or NamedTemporaryFile."),
        CallRule(
            "python.weak-hash", [.python], "hashlib . md5 (", .low, cwe: 327, "Broken hash function",
            "Collisions of MD5 can be made.", fix: "Use hashlib.sha256.", when: .lacks(["usedforsecurity"])),
        CallRule(
            "python.weak-hash", [.python], "hashlib . sha1 (", .low, cwe: 327, "Broken hash function",
            "Collisions of SHA-1 can be made.", fix: "Use hashlib.sha256.", when: .lacks(["usedforsecurity"])),
        CallRule(
            "python.no-verify", [.python], "verify = False", .high, cwe: 295, "Certificate not checked",
            "Anyone on the way can read and change the traffic.", fix: "Leave verification on; give a CA file."),
        CallRule(
            "python.debug-server", [.python], ". run (", .medium, cwe: 489, "Server in debug mode",
            "The debugger runs code for whoever reaches it.", fix: "Take debug from the environment, off by default.",
            when: .contains(pieces("debug = True"))),
    ]

    static let script: [CallRule] = [
        CallRule(
            "script.eval", [.javascript, .typescript], "eval (", .high, cwe: 95, "Evaluated text",
            "Whoever has a part in the text can run code.", fix: "Use JSON.parse or a table of functions.",
            when: .notLiteral(argument: 0)),
        CallRule(
            "script.new-function", [.javascript, .typescript], "new Function (", .high, cwe: 95, "Function from text",
            "Whoever has a part in the text can run code.", fix: "Use a table of functions."),
        CallRule(
            "script.exec", [.javascript, .typescript], "child_process . exec (", .high, cwe: 78, "Shell command",
            "The text goes to a shell.", fix: "Use execFile or spawn with an argument list.",
            when: .notLiteral(argument: 0)),
        CallRule(
            "script.exec", [.javascript, .typescript], "execSync (", .high, cwe: 78, "Shell command",
            "The text goes to a shell.", fix: "Use execFileSync with an argument list.",
            when: .notLiteral(argument: 0)),
        CallRule(
            "script.exec", [.javascript, .typescript], "exec (", .high, cwe: 78, "Shell command put together",
            "The text goes to a shell.", fix: "Use execFile with an argument list.", when: .built),
        CallRule(
            "script.inner-html", [.javascript, .typescript], ". innerHTML =", .medium, cwe: 79, "HTML set from text",
            "Markup in the text becomes part of the page.", fix: "Use textContent, or sanitise the markup."),
        CallRule(
            "script.document-write", [.javascript, .typescript], "document . write (", .medium, cwe: 79,
            "HTML written to the page", "Markup in the text becomes part of the page.", fix: "Use DOM functions.",
            when: .notLiteral(argument: 0)),
        CallRule(
            "script.dangerous-html", [.javascript, .typescript], "dangerouslySetInnerHTML", .medium, cwe: 79,
            "HTML set from text", "Markup in the text becomes part of the page.", fix: "Sanitise the markup."),
        CallRule(
            "script.no-verify", [.javascript, .typescript], "rejectUnauthorized : false", .high, cwe: 295,
            "Certificate not checked", "Anyone on the way can read and change the traffic.",
            fix: "Leave verification on; give a CA file."),
        CallRule(
            "script.weak-hash", [.javascript, .typescript], "createHash (", .low, cwe: 327, "Broken hash function",
            "Collisions of MD5 and SHA-1 can be made.", fix: "Use sha256.",
            when: .literal(["'md5'", "\"md5\"", "'sha1'", "\"sha1\""])),
        CallRule(
            "script.timeout-text", [.javascript, .typescript], "setTimeout (", .medium, cwe: 95, "Timer from text",
            "The text is evaluated.", fix: "Pass a function.", when: .built),
    ]

    static let go: [CallRule] = [
        CallRule(
            "go.shell", [.go], "exec . Command (", .high, cwe: 78, "Shell command",
            "The text goes to a shell.", fix: "Start the program itself with an argument list.",
            when: .literal(["\"sh\"", "\"bash\"", "\"/bin/sh\"", "\"/bin/bash\""])),
        CallRule(
            "go.no-verify", [.go], "InsecureSkipVerify : true", .high, cwe: 295, "Certificate not checked",
            "Anyone on the way can read and change the traffic.", fix: "Leave verification on; set RootCAs."),
        CallRule(
            "go.weak-hash", [.go], "md5 . *", .low, cwe: 327, "Broken hash function",
            "Collisions of MD5 can be made.", fix: "Use crypto/sha256."),
        CallRule(
            "go.weak-hash", [.go], "sha1 . *", .low, cwe: 327, "Broken hash function",
            "Collisions of SHA-1 can be made.", fix: "Use crypto/sha256."),
        CallRule(
            "go.unsafe-pointer", [.go], "unsafe . Pointer (", .medium, cwe: 704, "Pointer outside the type system",
            "The compiler and collector no longer know what it points to.", fix: "Use typed memory."),
        CallRule(
            "go.template-html", [.go], "template . HTML (", .medium, cwe: 79, "Text passed as safe HTML",
            "It is not escaped.", fix: "Let the template escape it.", when: .notLiteral(argument: 0)),
    ]

    static let rust: [CallRule] = [
        CallRule(
            "rust.unsafe", [.rust], "unsafe {", .medium, cwe: 119, "Unsafe block",
            "Memory safety rests on the author here.", fix: "Use a safe interface, or say beside it why it is sound."),
        CallRule(
            "rust.unsafe", [.rust], "unsafe fn", .low, cwe: 119, "Unsafe function",
            "Memory safety rests on every caller.", fix: "Check the requirements inside, or document them."),
        CallRule(
            "rust.transmute", [.rust], "transmute (", .high, cwe: 843, "Reinterpreted bits",
            "The compiler no longer checks that the value is one of that type.", fix: "Convert with From, as or bytes."),
        CallRule(
            "rust.transmute", [.rust], "mem :: transmute", .high, cwe: 843, "Reinterpreted bits",
            "The compiler no longer checks that the value is one of that type.", fix: "Convert with From, as or bytes."),
        CallRule(
            "rust.unchecked-text", [.rust], "from_utf8_unchecked (", .medium, cwe: 20, "Text not checked",
            "A string that is not UTF-8 is undefined.", fix: "Use from_utf8."),
        CallRule(
            "rust.unchecked-index", [.rust], ". get_unchecked (", .medium, cwe: 125, "Index not checked",
            "Reading outside of the slice is undefined.", fix: "Use get or indexing."),
        CallRule(
            "rust.no-verify", [.rust], "danger_accept_invalid_certs ( true", .high, cwe: 295,
            "Certificate not checked", "Anyone on the way can read and change the traffic.",
            fix: "Leave verification on; add a root certificate."),
        CallRule(
            "rust.shell", [.rust], "Command :: new (", .high, cwe: 78, "Shell command", "The text goes to a shell.",
            fix: "Start the program itself with an argument list.",
            when: .literal(["\"sh\"", "\"bash\"", "\"/bin/sh\"", "\"/bin/bash\""])),
    ]

    static let java: [CallRule] = [
        CallRule(
            "java.exec", [.java], "Runtime . getRuntime ( ) . exec (", .high, cwe: 78, "Command from text",
            "Whoever has a part in the text can run commands.", fix: "Use ProcessBuilder with an argument list.",
            when: .notLiteral(argument: 0)),
        CallRule(
            "java.read-object", [.java], ". readObject (", .high, cwe: 502, "Deserialised object",
            "Made-up data can run code while it is read.", fix: "Use a plain format, or an object input filter."),
        CallRule(
            "java.weak-hash", [.java], "MessageDigest . getInstance (", .low, cwe: 327, "Broken hash function",
            "Collisions of MD5 and SHA-1 can be made.", fix: "Use SHA-256.",
            when: .literal(["\"md5\"", "\"sha1\"", "\"sha-1\""])),
        CallRule(
            "java.weak-cipher", [.java], "Cipher . getInstance (", .high, cwe: 327, "Broken cipher",
            "DES, RC4 and the ECB mode do not keep a secret.", fix: "Use AES/GCM/NoPadding.",
            when: .literal(["des", "rc4", "/ecb", "\"aes\""])),
        CallRule(
            "java.no-verify", [.java], "ALLOW_ALL_HOSTNAME_VERIFIER", .high, cwe: 295, "Host name not checked",
            "Any certificate will do for any host.", fix: "Use the default verifier."),
        CallRule(
            "java.stack-trace", [.java], ". printStackTrace ( )", .low, cwe: 209, "Stack trace printed",
            "It tells outsiders about the inside and is lost to the log.", fix: "Log the exception.", inTests: false),
    ]

    static let cFamily: [CallRule] = [
        unbounded("gets", .critical, cwe: 242, fix: "Use fgets with the size of the buffer."),
        unbounded("strcpy", .high, cwe: 120, fix: "Use snprintf or strlcpy with the size of the buffer."),
        unbounded("strcat", .high, cwe: 120, fix: "Use snprintf or strlcat with the size of the buffer."),
        unbounded("sprintf", .high, cwe: 120, fix: "Use snprintf with the size of the buffer."),
        unbounded("vsprintf", .high, cwe: 120, fix: "Use vsnprintf with the size of the buffer."),
        CallRule(
            "c.scanf", [.c, .cpp, .objectiveC], "scanf (", .high, cwe: 120, "Text read without a bound",
            "A longer word overruns the buffer.", fix: "Give a width: %63s.", when: .literal(["%s"])),
        CallRule(
            "c.system", [.c, .cpp, .objectiveC], "system (", .high, cwe: 78, "Shell command",
            "The text goes to a shell.", fix: "Use posix_spawn with an argument list.",
            when: .notLiteral(argument: 0)),
        CallRule(
            "c.popen", [.c, .cpp, .objectiveC], "popen (", .high, cwe: 78, "Shell command",
            "The text goes to a shell.", fix: "Use posix_spawn with an argument list.",
            when: .notLiteral(argument: 0)),
        CallRule(
            "c.format", [.c, .cpp, .objectiveC], "printf (", .high, cwe: 134, "Format from a variable",
            "Directives in the text read and write memory.", fix: "Use a literal format: \"%s\".",
            when: .notLiteral(argument: 0)),
        CallRule(
            "c.format", [.c, .cpp, .objectiveC], "fprintf (", .high, cwe: 134, "Format from a variable",
            "Directives in the text read and write memory.", fix: "Use a literal format: \"%s\".",
            when: .notLiteral(argument: 1)),
        CallRule(
            "c.mktemp", [.c, .cpp, .objectiveC], "mktemp (", .medium, cwe: 377, "Name of a temporary file guessed",
            "Someone else can make the file first.", fix: "Use mkstemp."),
        CallRule(
            "c.mktemp", [.c, .cpp, .objectiveC], "tmpnam (", .medium, cwe: 377, "Name of a temporary file guessed",
            "Someone else can make the file first.", fix: "Use mkstemp."),
        CallRule(
            "c.alloca", [.c, .cpp, .objectiveC], "alloca (", .low, cwe: 770, "Stack grown by a variable amount",
            "A large amount overruns the stack.", fix: "Use malloc with a limit.", when: .notLiteral(argument: 0)),
    ]

    private static func unbounded(_ name: String, _ severity: Severity, cwe: Int, fix: String) -> CallRule {
        CallRule(
            "c.\(name)", [.c, .cpp, .objectiveC], "\(name) (", severity, cwe: cwe, "\(name) knows no bound",
            "It writes as much as it is given, past the end of the buffer.", fix: fix)
    }

    static let others: [CallRule] = [
        CallRule(
            "php.eval", [.php], "eval (", .high, cwe: 95, "Evaluated text",
            "Whoever has a part in the text can run code.", fix: "Use functions and data.",
            when: .notLiteral(argument: 0)),
        CallRule(
            "php.shell", [.php], "shell_exec (", .high, cwe: 78, "Shell command", "The text goes to a shell.",
            fix: "Avoid it, or escapeshellarg every argument.", when: .notLiteral(argument: 0)),
        CallRule(
            "php.shell", [.php], "passthru (", .high, cwe: 78, "Shell command", "The text goes to a shell.",
            fix: "Avoid it, or escapeshellarg every argument.", when: .notLiteral(argument: 0)),
        CallRule(
            "php.shell", [.php], "system (", .high, cwe: 78, "Shell command", "The text goes to a shell.",
            fix: "Avoid it, or escapeshellarg every argument.", when: .notLiteral(argument: 0)),
        CallRule(
            "php.unserialize", [.php], "unserialize (", .high, cwe: 502, "Deserialised object",
            "Made-up data can run code while it is read.", fix: "Use json_decode."),
        CallRule(
            "ruby.eval", [.ruby], "eval (", .high, cwe: 95, "Evaluated text",
            "Whoever has a part in the text can run code.", fix: "Use public_send with a table of names.",
            when: .notLiteral(argument: 0)),
        CallRule(
            "ruby.marshal", [.ruby], "Marshal . load (", .high, cwe: 502, "Unmarshalled data",
            "Made-up data can run code while it is read.", fix: "Use JSON."),
        CallRule(
            "ruby.system", [.ruby], "system (", .high, cwe: 78, "Shell command put together",
            "The text goes to a shell.", fix: "Pass the arguments one by one.", when: .built),
        CallRule(
            "csharp.binary-formatter", [.csharp], "BinaryFormatter", .high, cwe: 502, "Deserialised object",
            "Made-up data can run code while it is read.", fix: "Use System.Text.Json."),
        CallRule(
            "csharp.weak-hash", [.csharp], "MD5 . Create (", .low, cwe: 327, "Broken hash function",
            "Collisions of MD5 can be made.", fix: "Use SHA256."),
    ]
}
