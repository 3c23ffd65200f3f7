#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

/// What the command line is made of, read from its definition: help, manual pages and completion
/// all come from the same verbs and options.
namespace sojourn::tools {

struct Example {
    const char* command;
    const char* what;
};

/// Shown below the options in the help of `verb`, and in its manual page. `note`: what else is to
/// be said there.
void give_examples(CLI::App& verb, std::initializer_list<Example> examples,
                   const std::string& note = {});

/// What people may type below `parent`, in the order of the help.
std::vector<const CLI::App*> verbs_of(const CLI::App& parent);
/// nullptr when there is none of that name.
const CLI::App* find_verb(const CLI::App& parent, const std::string& name);
/// `vm store init`
std::string full_name(const CLI::App& verb);

/// Those of `verb` that have a name, and those that stand at a place.
std::vector<const CLI::Option*> named_options(const CLI::App& verb);
std::vector<const CLI::Option*> positional_options(const CLI::App& verb);
/// `DIR`; nothing for a flag.
std::string value_name(const CLI::Option& option);
/// The words that the option's value is one of; nothing when it is free.
std::vector<std::string> value_choices(const CLI::Option& option);

}  // namespace sojourn::tools
