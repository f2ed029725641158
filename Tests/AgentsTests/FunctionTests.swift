import Testing

@testable import Agents

@Suite("Functions and complexity")
struct FunctionTests {
    /// `name first-last complexity`, one a function.
    private func measured(_ path: String, _ text: String) -> [String] {
        FunctionFinder.functions(in: file(path, text)).map {
            "\($0.name) \($0.firstLine)-\($0.lastLine) \($0.complexity)"
        }
    }

    @Test("Swift")
    func swift() {
        let text = """
            protocol P { func required(x: Int) -> Int; var p: Int { get set } }
            protocol Q {
                func one()
                func two(_ x: Int) async throws -> [Int: String]
                init(a: Int)
            }
            enum E { case a, b(x: Int); case c }
            struct S<T> where T: Equatable {
                let closure: (Int) -> Int = { $0 }
                var stored = "if { while"
                var computed: Int { items.count > 1 ? 1 : 2 }
                init?(a: Int) { guard a > 0 else { return nil } }
                subscript(i: Int) -> Int { get { i } }
                static func == (l: S, r: S) -> Bool { l.a == r.a && l.b == r.b || false }
                func generic<U: P>(_ u: U, default x: Int = f { 1 }) throws -> U? where U: Q {
                    for x in y where x > 1 { if let a = b, case .c = d { } }
                    switch e { case .a: break; case .b(let x) where x > 1: break; default: break }
                    return a ?? b
                }
                func outer() {
                    func inner() { if a { } }
                    self.init(a: 1)
                    do { try f() } catch { }
                    let x = y?.z
                }
                deinit { }
            }
            """
        #expect(
            measured("a.swift", text)
                == [
                    "computed 11-11 2", "init 12-12 2", "subscript 13-13 1", "== 14-14 3", "generic 15-19 6",
                    "inner 21-21 2", "outer 20-25 2", "deinit 26-26 1",
                ].sorted { left, right in
                    func line(_ text: String) -> Int {
                        Int(text.split(separator: " ")[1].split(separator: "-")[0]) ?? 0
                    }
                    return line(left) < line(right)
                })
    }

    @Test("branches of conditional compilation do not unbalance braces")
    func conditionalCompilation() {
        let text = """
            func f() {
                #if A
                if x {
                #else
                if y {
                #endif
                }
            }
            func g() { }
            """
        #expect(measured("a.swift", text) == ["f 1-8 3", "g 9-9 1"])
        let c =
            "#ifdef A\nint f(int a) {\n#else\nint f(long a) {\n#endif\n  return a ? 1 : 2;\n}\nint g(void) { return 0; }\n"
        #expect(measured("a.c", c).last == "g 8-8 1")
    }

    @Test("Python ends by indentation")
    func python() {
        let text = """
            import os

            def one(a, b=(1,
                          2)):
                if a and b:
                    return [x for x in a if x]
                elif b:
                    pass
                # a comment at the margin:
            # still inside
                return '''
            not the end
            '''

            class C:
                @decorated
                async def two(self):
                    try:
                        while True: pass
                    except ValueError:
                        pass
                    def nested(): return 1 if x else 2
                    return nested

            one(1)
            """
        #expect(measured("a.py", text) == ["one 3-13 6", "two 17-23 3", "nested 22-22 2"])
    }

    @Test("JavaScript and TypeScript")
    func script() {
        let text = """
            function plain(a) { if (a) { return a || b; } }
            const arrow = async (x) => { for (const y of x) { } };
            const short = x => x ? 1 : 2;
            class A extends B {
              constructor(a) { super(a); }
              async method(a = {}) { switch (a) { case 1: break; case 2: break; default: } }
              get value() { return this.a?.b ?? 1; }
            }
            const o = { key: function () { while (1) {} }, other(x) { return x; } };
            list.forEach(function (x) { if (x) {} });
            if (call(x)) { y(); }
            """
        #expect(
            measured("a.js", text) == [
                "plain 1-1 3", "arrow 2-2 2", "constructor 5-5 1", "method 6-6 3", "value 7-7 2", "key 9-9 2",
                "other 9-9 1",
            ])
        let typed = """
            export function f<T>(a: T, b?: { c: number }): Promise<{ d: string }> { return a ? x : y; }
            abstract class A { abstract g(): void; h(x?: string): x is string { return true; } }
            const k: Handler<X> = (a: string): { b: number } => { return { b: 1 }; };
            interface I { m(a: string): void; }
            """
        #expect(measured("a.ts", typed) == ["f 1-1 2", "h 2-2 1", "k 3-3 1"])
    }

    @Test("Go")
    func go() {
        let text = """
            package x
            func Plain(a int, b ...string) (int, error) { if a > 0 && b != nil { return 1, nil }; return 0, nil }
            func (r *T[K]) Method(f func(int) bool) map[string]struct{} {
            \tfor i := range x { switch i { case 1, 2: case 3: default: } }
            \tgo func() { if x {} }()
            }
            func Generic[T any](x T) interface{} { select { case <-c: } }
            func declared(a int) int
            var f = func() { if x {} }
            """
        #expect(measured("a.go", text) == ["Plain 2-2 3", "Method 3-6 5", "Generic 7-7 2"])
    }

    @Test("Rust")
    func rust() {
        let text = """
            trait T { fn required(&self) -> u8; fn given(&self) -> u8 { 1 } }
            impl<'a> T for S<'a> {
                pub async fn f<F>(x: &'a str, g: F) -> Result<u8, [u8; 4]> where F: Fn(u8) -> bool {
                    match x { "a" => 1, "b" if y => 2, _ => 3 };
                    let c = || 1;
                    loop { while a || b { } }
                    g()?
                }
            }
            """
        #expect(measured("a.rs", text) == ["given 1-1 1", "f 3-8 7"])
    }

    @Test("Java")
    func java() {
        let text = """
            public class A<T extends B> {
                public A(int x) throws IOException, X { super(x); }
                @Override public Map<String, List<? extends T>> m(final int[] a) {
                    for (int i : a) { if (i > 0 && i < 9 || x) { } }
                    Runnable r = new Runnable() { public void run() { while (true) { } } };
                    try (X y = z()) { } catch (E e) { }
                    return a == null ? b : c;
                }
                abstract int none(int x);
                record P(int x, int y) { }
                static { init(); }
            }
            """
        #expect(measured("A.java", text) == ["A 2-2 1", "m 3-8 7", "run 5-5 2"])
    }

    @Test("C and C++")
    func cFamily() {
        let text = """
            #define MACRO(x) if (x) { }
            static int plain(int a, char *b) { if (a) { return a ? 1 : 2; } return 0; }
            int declared(int a);
            struct S { int x; };
            int table[] = { f(1), g(2) };
            __attribute__((noreturn)) void attributed(void) { for (;;) { } }
            """
        #expect(measured("a.c", text) == ["plain 2-2 3", "attributed 6-6 2"])
        let cpp = """
            namespace n {
            template <typename T> class C : public B {
              C(int a) : x(a), y{b} { if (a) { } }
              ~C() { }
              bool operator==(const C& o) const noexcept { return x == o.x && y == o.y; }
              auto f() -> std::vector<int> { auto l = [](int a) { return a; }; FOREACH(x) { } return {}; }
              void g() override = 0;
            };
            int C<int>::h(std::map<int, int> m) try { return 1; } catch (...) { return 2; }
            void N::k() const { switch (a) { case 1: case 2: break; } }
            }
            """
        #expect(
            measured("a.cpp", cpp).prefix(4) == ["C 3-3 2", "~C 4-4 1", "operator== 5-5 2", "f 6-6 1"])
        #expect(measured("a.cpp", cpp).last == "N::k 10-10 3")
    }

    @Test("only functions past the limits are findings, and generated files have none")
    func findings() async throws {
        let folder = try TemporaryFolder()
        let branches = (0..<20).map { "    if x == \($0) { y() }" }.joined(separator: "\n")
        let filler = (0..<120).map { "    call(\($0))" }.joined(separator: "\n")
        try folder.write(
            "a.swift", "func small() { if a { } }\n\nfunc tangled() {\n\(branches)\n}\n\nfunc long() {\n\(filler)\n}\n")
        try folder.write("b.pb.swift", "// DO NOT" + " EDIT.\nfunc tangled() {\n\(branches)\n}\n")
        let evidence = try await run(FunctionsTool(), in: folder)
        #expect(
            evidence.planted == [Planted("function.complex", "a.swift", 3), Planted("function.long", "a.swift", 26)])
        #expect(evidence.metric("functions") == 3)
        #expect(evidence.metric("max_complexity") == 21)
        #expect(evidence.findings.first?.evidence == "func tangled() {")

        let context = ToolContext(workspace: try Workspace(roots: [folder.path]), threads: testThreads)
        let strict = try await FunctionsTool().run(["target": "a.swift", "max_complexity": 1], in: context)
        #expect(strict.findings.count { $0.rule == "function.complex" } == 2)
    }
}
