#include "tools/vm/command_tree.hpp"
#include "tools/vm/manual_page.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

struct HelpArguments {
    std::vector<std::string> words;
    bool wants_manual_page = false;
    std::string manual_directory;
};

Result<int> perform(const CLI::App& app, const HelpArguments& arguments) {
    if (!arguments.manual_directory.empty()) {
        TRY(write_manual_pages(app, arguments.manual_directory));
        return 0;
    }
    const CLI::App* subject = &app;
    for (const std::string& word : arguments.words) {
        subject = find_verb(*subject, word);
        if (subject != nullptr) continue;
        return fail(ErrorCode::invalid_argument, "no verb '{}'; vm help lists them", word);
    }
    const CLI::App* parent = subject->get_parent();
    const std::string before = parent == nullptr ? "" : full_name(*parent);
    TRY(print_line(arguments.wants_manual_page ? manual_page(*subject) : subject->help(before)));
    return 0;
}

}  // namespace

void add_help(CLI::App& app, Invocation& invocation) {
    CLI::App* help = app.add_subcommand("help", "Tell the options of a verb");
    auto arguments = std::make_shared<HelpArguments>();
    help->add_option("verb", arguments->words, "The verb, and what it has below it: store init")
        ->type_name("VERB");
    help->add_flag("--man", arguments->wants_manual_page, "Print its manual page, for man -l -");
    help->add_option("--man-pages", arguments->manual_directory,
                     "Write the manual pages of all verbs into a directory")
        ->type_name("DIR");
    give_examples(*help, {{"vm help run", "the options of vm run"},
                          {"vm help store init", "those of a verb below another"},
                          {"vm help --man run | man -l -", "the same as a manual page"}});
    help->callback([&app, &invocation, arguments] {
        invocation.perform = [&app, arguments] { return perform(app, *arguments); };
    });
}

}  // namespace sojourn::tools
