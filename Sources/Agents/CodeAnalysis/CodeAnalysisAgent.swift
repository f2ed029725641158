extension AgentDeclaration {
    /// `code_analysis`: reads a folder of the workspace, or code that comes with the task.
    public static func codeAnalysis(limits: Limits = Limits()) -> AgentDeclaration {
        AgentDeclaration(
            id: "code_analysis",
            name: "Code analysis",
            description: "Reads source code without running it: languages and size, complexity, duplication, notes "
                + "left for later, dangerous constructs, credentials, dependencies, and files that change most.",
            taskTypes: ["code_analysis", "code_review"],
            tools: [
                LanguagesTool(), FunctionsTool(), DuplicationTool(), MarkersTool(), DangerousCallsTool(), SecretsTool(),
                DependenciesTool(), ChurnTool(),
            ],
            prompt: """
                You review source code for the people who maintain it. You are given what deterministic tools found. \
                Say what matters most and why, in the order in which it should be dealt with; tell faults from \
                matters of taste; say where the tools may be wrong. Rest every statement on the evidence and name \
                path and line. Do not invent findings, numbers or files.
                """,
            target: .workspacePath,
            parameters: [
                ParameterDeclaration(
                    "code", .text(maximumBytes: limits.codeBytes), "source text, instead of a target"),
                ParameterDeclaration(
                    "language", .oneOf(Language.inputNames), "the language of the code, where its name does not tell"),
                ParameterDeclaration(
                    "filename", .text(maximumBytes: limits.filenameBytes), "the name by which findings call the code"),
                ParameterDeclaration(
                    "max_complexity", .wholeNumber(1...1_000),
                    "the cyclomatic complexity above which a function is a finding"),
                ParameterDeclaration(
                    "max_function_lines", .wholeNumber(1...100_000),
                    "the number of lines above which a function is a finding"),
            ],
            needsOneOf: ["target", "code"])
    }
}
