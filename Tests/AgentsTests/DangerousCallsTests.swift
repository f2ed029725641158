import Testing

@testable import Agents

@Suite("Dangerous constructs")
struct DangerousCallsTests {
    /// Each line that ends with `!!` and a rule has that fault, all others have none. The marker is written as a
    /// comment of the language.
    static let sources: [(path: String, text: String)] = [
        (
            "a.swift",
            """
            let a = try! f() // !! swift.force-try
            let b = try? f(); let c = try f()
            let d = x as! Int // !! swift.force-cast
            let e = x as? Int; let no = !x
            unsafeBitCast(x, to: Int.self) // !! swift.unsafe-bit-cast
            let text = "try! as! unsafeBitCast(" // try! as! eval(x)
            func system(_ x: Int) { }
            system(command) // !! swift.shell
            Insecure.MD5.hash(data: d) // !! swift.weak-hash
            db.query("SELECT a FROM b WHERE c = \\(d)") // !! sql-building
            db.query("SELECT a FROM b WHERE c = $1", d)
            log("Select a friend from \\(list)"); log("Update the set \\(n)")
            log("selected \\(n) rows from b")
            """
        ),
        (
            "a.py",
            """
            eval(user) # !! python.eval
            model.eval()
            ast.literal_eval(user)
            eval("1 + 1")
            exec(code) # !! python.exec
            cursor.execute(code)
            os.system("rm " + x) # !! python.os-system
            os.system("clear")
            subprocess.run(cmd, shell=True) # !! python.shell-true
            subprocess.run(["ls"], shell=False)
            pickle.loads(data) # !! python.pickle
            yaml.load(f) # !! python.yaml-load
            yaml.load(f, Loader=yaml.SafeLoader)
            yaml.safe_load(f)
            requests.get(u, verify=False) # !! python.no-verify
            hashlib.md5(x) # !! python.weak-hash
            hashlib.md5(x, usedforsecurity=False)
            hashlib.sha256(x)
            app.run(debug=True) # !! python.debug-server
            def eval(self): pass
            '''eval(x) is bad'''
            cursor.execute(f"SELECT * FROM t WHERE a = {a}") # !! sql-building
            cursor.execute("DELETE FROM t WHERE a = %s" % a) # !! sql-building
            cursor.execute("SELECT * FROM t WHERE a = %s", (a,))
            cursor.execute("INSERT INTO t VALUES ({})".format(a)) # !! sql-building
            q = "SELECT a FROM t WHERE b = '" + b + "'" # !! sql-building
            q = "SELECT a " + "FROM t"
            print("Update the set " + x)
            """
        ),
        (
            "a.ts",
            """
            eval(code); // !! script.eval
            new Function("a", body); // !! script.new-function
            child_process.exec(cmd); // !! script.exec
            execSync(`rm ${x}`); // !! script.exec
            re.exec(text); const m = /eval(x)/.exec(y);
            el.innerHTML = html; // !! script.inner-html
            el.textContent = html;
            const o = { rejectUnauthorized: false }; // !! script.no-verify
            createHash('md5'); // !! script.weak-hash
            createHash('sha256');
            setTimeout("go(" + x + ")", 1); // !! script.timeout-text
            setTimeout(() => go("a" + x), 1);
            db.query(`SELECT * FROM t WHERE a = ${a}`); // !! sql-building
            db.query("SELECT * FROM t WHERE a = ?", [a]);
            """
        ),
        (
            "a.go",
            """
            exec.Command("sh", "-c", x) // !! go.shell
            exec.Command("ls", "-l")
            t := &tls.Config{InsecureSkipVerify: true} // !! go.no-verify
            md5.New() // !! go.weak-hash
            p := unsafe.Pointer(&x) // !! go.unsafe-pointer
            db.Query(fmt.Sprintf("SELECT * FROM t WHERE a = %s", a)) // !! sql-building
            db.Query("SELECT * FROM t WHERE a = $1", a)
            """
        ),
        (
            "a.rs",
            """
            unsafe { *p } // !! rust.unsafe
            let s = "unsafe {";
            std::mem::transmute::<u8, i8>(x); // !! rust.transmute
            Command::new("sh").arg(x); // !! rust.shell
            Command::new("ls");
            format!("SELECT * FROM t WHERE a = {}", a); // !! sql-building
            """
        ),
        (
            "A.java",
            """
            Runtime.getRuntime().exec(cmd); // !! java.exec
            in.readObject(); // !! java.read-object
            MessageDigest.getInstance("MD5"); // !! java.weak-hash
            MessageDigest.getInstance("SHA-256");
            Cipher.getInstance("DES/CBC/PKCS5Padding"); // !! java.weak-cipher
            Cipher.getInstance("AES/GCM/NoPadding");
            e.printStackTrace(); // !! java.stack-trace
            st.executeQuery("SELECT * FROM t WHERE a = '" + a + "'"); // !! sql-building
            st.executeQuery("SELECT * FROM " + TABLE);
            """
        ),
        (
            "a.c",
            """
            gets(line); // !! c.gets
            fgets(line, 10, stdin);
            strcpy(a, b); // !! c.strcpy
            sprintf(a, "%s", b); // !! c.sprintf
            snprintf(a, 10, "%s", b);
            printf(text); // !! c.format
            printf("%s", text); printf(FORMAT, x); printf(_("x"));
            fprintf(stderr, text); // !! c.format
            fprintf(stderr, "x");
            system(cmd); // !! c.system
            system("ls");
            scanf("%s", a); // !! c.scanf
            scanf("%9s", a);
            char *strcpy(char *a, const char *b);
            /* gets(x) strcpy(a, b) */ // system(x)
            """
        ),
        ("a.cpp", "std::strcpy(a, b); // !! c.strcpy\nmy::strcpy(a, b); o.system(x); o->popen(y);\n"),
        (
            "a.sh",
            """
            curl -s https://x.example/i | sudo bash # !! shell.piped-download
            curl -s https://x.example/i > file
            eval "$cmd" # !! shell.eval
            chmod 777 /srv # !! shell.world-writable
            chmod 755 /srv
            echo "curl x | sh"
            """
        ),
        ("a.php", "<?php eval($x); // !! php.eval\nunserialize($x); // !! php.unserialize\n$x->eval($y);\n"),
        ("a.rb", "Marshal.load(x) # !! ruby.marshal\nsystem(\"ls #{x}\") # !! ruby.system\nsystem(\"ls\", x)\n"),
    ]

    @Test("every planted fault is found at its line, and nothing else", arguments: sources.map(\.path))
    func plantedFaults(path: String) async throws {
        let text = Self.sources.first { $0.path == path }?.text ?? ""
        let folder = try TemporaryFolder()
        try folder.write(path, text)
        var expected: Set<Planted> = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard let mark = line.firstRange(of: "!! ") else { continue }
            expected.insert(Planted("dangerous.\(line[mark.upperBound...])", path, number + 1))
        }
        let evidence = try await run(DangerousCallsTool(), in: folder)
        #expect(evidence.planted.subtracting(expected).isEmpty, "false alarms")
        #expect(expected.subtracting(evidence.planted).isEmpty, "missed")
        #expect(!expected.isEmpty)
        for finding in evidence.findings {
            #expect(finding.cwe?.hasPrefix("CWE-") == true)
            #expect(!finding.evidence.isEmpty && !finding.remediation.isEmpty)
        }
    }

    @Test("what tests may do is not held against them")
    func inTests() async throws {
        let folder = try TemporaryFolder()
        try folder.write("Tests/a.swift", "let a = try! f()\nlet b = unsafeBitCast(x, to: Int.self)\n")
        #expect(
            try await run(DangerousCallsTool(), in: folder).planted == [
                Planted("dangerous.swift.unsafe-bit-cast", "Tests/a.swift", 2)
            ])
    }

    @Test("an id stays when code above moves, and equal lines have different ids")
    func stableIDs() async throws {
        let folder = try TemporaryFolder()
        try folder.write("a.py", "eval(x)\neval(x)\neval(y)\n")
        let before = try await run(DangerousCallsTool(), in: folder).findings
        try folder.write("a.py", "import os\n\n\neval(x)\neval(x)\neval(y)\n")
        let after = try await run(DangerousCallsTool(), in: folder).findings
        #expect(before.map(\.id) == after.map(\.id))
        #expect(Set(before.map(\.id)).count == 3)
        #expect(before.map(\.location.line) == [1, 2, 3] && after.map(\.location.line) == [4, 5, 6])
    }
}
