#include "tools/vm/command_tree.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sojourn::tools {

namespace {

std::vector<const CLI::Option*> options_of(const CLI::App& verb, bool is_positional) {
    return verb.get_options([&](const CLI::Option* option) {
        return option->get_positional() == is_positional && !option->get_group().empty();
    });
}

/// What CLI11 appends to a value's name for CLI::IsMember: `WHEN:{whole,lazy}`.
constexpr std::string_view kChoicesBegin = ":{";

}  // namespace

void give_examples(CLI::App& verb, std::initializer_list<Example> examples,
                   const std::string& note) {
    std::size_t width = 0;
    for (const Example& example : examples)
        width = std::max(width, std::string_view(example.command).size());
    std::string text = "Examples:\n";
    for (const Example& example : examples)
        text += fmt::format("  {:<{}}  {}\n", example.command, width, example.what);
    if (!note.empty()) text += "\n" + note + "\n";
    text.pop_back();
    verb.footer(text);
}

std::vector<const CLI::App*> verbs_of(const CLI::App& parent) {
    return parent.get_subcommands([](const CLI::App* verb) { return !verb->get_group().empty(); });
}

const CLI::App* find_verb(const CLI::App& parent, const std::string& name) {
    const auto found = parent.get_subcommands(
        [&](const CLI::App* candidate) { return candidate->get_name() == name; });
    return found.empty() ? nullptr : found.front();
}

std::string full_name(const CLI::App& verb) {
    const CLI::App* parent = verb.get_parent();
    return parent == nullptr ? verb.get_name() : full_name(*parent) + " " + verb.get_name();
}

std::vector<const CLI::Option*> named_options(const CLI::App& verb) {
    return options_of(verb, false);
}

std::vector<const CLI::Option*> positional_options(const CLI::App& verb) {
    return options_of(verb, true);
}

std::string value_name(const CLI::Option& option) {
    if (option.get_items_expected_max() == 0) return "";
    const std::string name = option.get_type_name();
    return name.substr(0, name.find(':'));
}

std::vector<std::string> value_choices(const CLI::Option& option) {
    const std::string name = option.get_type_name();
    const std::size_t begin = name.find(kChoicesBegin);
    if (begin == std::string::npos) return {};
    const std::size_t first = begin + kChoicesBegin.size();
    return CLI::detail::split(name.substr(first, name.find('}', first) - first), ',');
}

}  // namespace sojourn::tools
