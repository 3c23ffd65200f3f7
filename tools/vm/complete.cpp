#include "base/printable.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/completion.hpp"
#include "tools/vm/completion_scripts.hpp"
#include "tools/vm/output.hpp"

namespace sojourn::tools {

namespace {

std::string_view text_of(Completion::Kind kind) {
    switch (kind) {
        case Completion::Kind::words:
            return "words";
        case Completion::Kind::files:
            return "files";
        case Completion::Kind::directories:
            return "directories";
    }
    return "";
}

/// The kind on a line, then a line a candidate: the word, a tab, what it is.
Result<int> print(const Completion& completion) {
    std::string text(text_of(completion.kind));
    for (const Candidate& candidate : completion.candidates)
        text += "\n" + printable(candidate.word) + "\t" + printable(candidate.what);
    TRY(print_line(text));
    return 0;
}

}  // namespace

void add_completion(CLI::App& app, Invocation& invocation) {
    CLI::App* verb =
        app.add_subcommand("completion", "Print what makes a shell complete the words behind vm");
    auto shell = std::make_shared<std::string>();
    verb->add_option("shell", *shell, "Which shell")
        ->required()
        ->type_name("SHELL")
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    give_examples(*verb,
                  {{"source <(vm completion bash)", "in ~/.bashrc"},
                   {"source <(vm completion zsh)", "in ~/.zshrc, behind compinit"},
                   {"vm completion fish | source", "in ~/.config/fish/config.fish"}},
                  "An installed vm needs none of these: its package has them where shells look.");
    verb->callback([shell, &invocation] {
        invocation.perform = [shell]() -> Result<int> {
            const std::string_view script = completion_script(*shell).value_or("");
            TRY(print_line(script.substr(0, script.size() - 1)));
            return 0;
        };
    });
}

void add_complete(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = app.add_subcommand("complete", "What the scripts of vm completion ask");
    verb->group("");
    auto words = std::make_shared<std::vector<std::string>>();
    verb->add_option("words", *words, "The words behind vm, the last of which is to be completed")
        ->type_name("WORD");
    verb->callback([words, &app, &invocation] {
        invocation.perform = [words, &app, &invocation] {
            return print(complete(app, invocation, *words));
        };
    });
}

}  // namespace sojourn::tools
