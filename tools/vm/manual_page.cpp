#include "tools/vm/manual_page.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "tools/vm/command_tree.hpp"

namespace sojourn::tools {

namespace {

constexpr std::string_view kExamplesTitle = "Examples:\n";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
        text.replace(at, what.size(), with);
    return text;
}

/// As it is to be read: nothing in it is a request, and its hyphens can be typed.
std::string roff(const std::string& text) {
    std::string safe = replaced(replaced(text, "\\", "\\e"), "-", "\\-");
    safe = replaced(replaced(safe, "\n.", "\n\\&."), "\n'", "\n\\&'");
    return safe.starts_with('.') || safe.starts_with('\'') ? "\\&" + safe : safe;
}

std::string bold(const std::string& text) {
    return "\\fB" + roff(text) + "\\fR";
}
std::string italic(const std::string& text) {
    return "\\fI" + roff(text) + "\\fR";
}

/// `vm-store-init`
std::string page_name(const CLI::App& verb) {
    return replaced(full_name(verb), " ", "-");
}

/// `-d, --detach`, each with its value.
std::string spelling(const CLI::Option& option) {
    std::vector<std::string> names;
    for (const std::string& name : option.get_snames())
        names.push_back(bold("-" + name));
    for (const std::string& name : option.get_lnames())
        names.push_back(bold("--" + name));
    const std::string value = value_name(option);
    return fmt::format("{}", fmt::join(names, ", ")) + (value.empty() ? "" : " " + italic(value));
}

std::string synopsis(const CLI::App& verb) {
    std::string text = bold(full_name(verb)) + " [" + italic("options") + "]";
    if (!verbs_of(verb).empty()) text += " " + italic("verb") + " ...";
    for (const CLI::Option* option : positional_options(verb)) {
        std::string place = italic(value_name(*option));
        if (option->get_items_expected_max() > 1) place += " ...";
        text += option->get_required() ? " " + place : " [" + place + "]";
    }
    if (verb.get_prefix_command())
        text += " " + italic("program") + " [" + italic("argument") + " ...]";
    return text;
}

/// What is told of each option, choices included.
std::string described(const CLI::Option& option) {
    const auto choices = value_choices(option);
    std::string text = roff(option.get_description());
    if (!choices.empty()) text += roff(fmt::format(" ({})", fmt::join(choices, ", ")));
    return text + ".\n";
}

std::string options_section(const CLI::App& verb) {
    std::string text;
    for (const CLI::Option* option : positional_options(verb))
        text += ".TP\n" + italic(value_name(*option)) + "\n" + described(*option);
    for (const CLI::Option* option : named_options(verb))
        text += ".TP\n" + spelling(*option) + "\n" + described(*option);
    return ".SH OPTIONS\n" + text;
}

std::string verbs_section(const CLI::App& verb) {
    std::string text;
    for (const CLI::App* below : verbs_of(verb)) {
        text +=
            ".TP\n" + bold(page_name(*below)) + "(1)\n" + roff(below->get_description()) + ".\n";
    }
    return text.empty() ? "" : ".SH VERBS\n" + text;
}

std::string literal(const std::string& text) {
    return ".nf\n" + roff(text) + "\n.fi\n";
}

/// The footer of the help: examples first, if there are any, then what else is said.
std::string footer_sections(const CLI::App& verb) {
    std::string rest = verb.get_footer();
    std::string text;
    if (rest.starts_with(kExamplesTitle)) {
        const std::size_t end = std::min(rest.find("\n\n"), rest.size());
        text += ".SH EXAMPLES\n" +
                literal(rest.substr(kExamplesTitle.size(), end - kExamplesTitle.size()));
        rest.erase(0, end);
        rest.erase(0, rest.find_first_not_of('\n'));
    }
    return rest.empty() ? text : text + ".SH NOTES\n" + roff(rest) + "\n";
}

std::string see_also(const CLI::App& verb) {
    const CLI::App* parent = verb.get_parent();
    if (parent == nullptr) return "";
    return ".SH SEE ALSO\n.BR " + roff(page_name(*parent)) + " (1)\n";
}

Result<void> write_pages_below(const CLI::App& verb, const std::filesystem::path& directory) {
    const auto path = directory / (page_name(verb) + ".1");
    TRY(write_file(path, as_bytes(manual_page(verb))));
    for (const CLI::App* below : verbs_of(verb))
        TRY(write_pages_below(*below, directory));
    return {};
}

}  // namespace

std::string manual_page(const CLI::App& verb) {
    std::string title = page_name(verb);
    std::ranges::transform(title, title.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return fmt::format(".TH {} 1 \"\" \"Sojourn {}\" \"Sojourn\"\n", roff(title), SOJOURN_VERSION) +
           ".SH NAME\n" + roff(page_name(verb)) + " \\- " + roff(verb.get_description()) + "\n" +
           ".SH SYNOPSIS\n" + synopsis(verb) + "\n" + verbs_section(verb) + options_section(verb) +
           footer_sections(verb) + see_also(verb);
}

Result<void> write_manual_pages(const CLI::App& app, const std::filesystem::path& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) return fail_errno(error.value(), "cannot make {}", directory.native());
    return write_pages_below(app, directory);
}

}  // namespace sojourn::tools
