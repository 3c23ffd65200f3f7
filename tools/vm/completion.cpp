#include "tools/vm/completion.hpp"

#include <array>

#include "process/reference.hpp"
#include "process/remote.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/store_location.hpp"

namespace sojourn::tools {

namespace {

using Kind = Completion::Kind;

/// What is typed for a value of some name.
enum class Values { anything, processes, checkpoints, verbs, files, directories };

struct NamedValues {
    std::string_view name;  ///< as CLI::Option::type_name has it
    Values values;
};
constexpr std::array kNamedValues = {
    NamedValues{"N", Values::processes},
    NamedValues{"N[@ID]", Values::checkpoints},
    NamedValues{"N[@ID|@A..B]", Values::checkpoints},
    NamedValues{"A", Values::processes},
    NamedValues{"A[@X]", Values::checkpoints},
    NamedValues{"B[@ID]", Values::checkpoints},
    NamedValues{"B[@Y]", Values::checkpoints},
    NamedValues{"N[@ID][:VOLUME[/PATH]]", Values::checkpoints},
    NamedValues{"VERB", Values::verbs},
    NamedValues{"FILE", Values::files},
    NamedValues{"FILE|-", Values::files},
    NamedValues{"KEY", Values::files},
    NamedValues{"SIG", Values::files},
    NamedValues{"SRC", Values::files},
    NamedValues{"DST", Values::files},
    NamedValues{"DIR", Values::directories},
};

Values values_of(const CLI::Option& option) {
    const std::string name = value_name(option);
    for (const NamedValues& row : kNamedValues) {
        if (row.name != name) continue;
        // Of an option with a name, N is a number.
        const bool is_number = row.values == Values::processes && !option.get_positional();
        return is_number ? Values::anything : row.values;
    }
    return Values::anything;
}

/// Follows the words that are complete through verbs, options and places.
class Walk {
public:
    explicit Walk(const CLI::App& app) : app_(app), verb_(&app) {}

    void pass(const std::string& word) {
        if (awaiting_ != nullptr) {
            take_value(word);
        } else if (is_option(word)) {
            pass_option(word);
        } else if (const CLI::App* below = verb_below(word)) {
            verb_ = below;
        } else {
            ++places_passed_;
            is_plain_ = is_plain_ || verb_->get_prefix_command();
        }
    }

    /// An option may stand here.
    [[nodiscard]] bool is_option(const std::string& word) const {
        return !is_plain_ && word.starts_with('-') && word != "-";
    }
    [[nodiscard]] const CLI::App& app() const { return app_; }
    [[nodiscard]] const CLI::App& verb() const { return *verb_; }
    /// Whose value comes next, if it is one's.
    [[nodiscard]] const CLI::Option* awaiting() const { return awaiting_; }
    /// What stands at this place, if anything.
    [[nodiscard]] const CLI::Option* place() const {
        const auto places = positional_options(*verb_);
        if (places_passed_ < places.size()) return places[places_passed_];
        const bool repeats = !places.empty() && places.back()->get_items_expected_max() > 1;
        return repeats ? places.back() : nullptr;
    }
    [[nodiscard]] bool is_at_first_place() const { return places_passed_ == 0; }
    [[nodiscard]] const std::string& store() const { return store_; }

    /// nullptr when the verb has no such option.
    [[nodiscard]] const CLI::Option* option_named(const std::string& spelled) const {
        for (const CLI::Option* option : named_options(*verb_)) {
            if (option->check_name(spelled)) return option;
        }
        return nullptr;
    }

private:
    [[nodiscard]] const CLI::App* verb_below(const std::string& word) const {
        return is_at_first_place() && !is_plain_ ? find_verb(*verb_, word) : nullptr;
    }

    void pass_option(const std::string& word) {
        if (word == "--") {
            is_plain_ = true;
            return;
        }
        const std::size_t equals = word.find('=');
        const CLI::Option* option = option_named(word.substr(0, equals));
        if (option == nullptr || value_name(*option).empty()) return;
        awaiting_ = option;
        if (equals != std::string::npos) take_value(word.substr(equals + 1));
    }

    void take_value(const std::string& value) {
        if (awaiting_->check_lname("store")) store_ = value;
        awaiting_ = nullptr;
    }

    const CLI::App& app_;
    const CLI::App* verb_;
    const CLI::Option* awaiting_ = nullptr;
    std::size_t places_passed_ = 0;
    bool is_plain_ = false;  ///< what follows is no option
    std::string store_;
};

class Completer {
public:
    Completer(const Walk& walk, const Invocation& invocation)
        : walk_(walk), invocation_(invocation) {
        if (!walk.store().empty()) invocation_.store = walk.store();
    }

    Completion complete(const std::string& word) {
        if (walk_.awaiting() != nullptr) {
            add_values(*walk_.awaiting(), "", word);
        } else if (walk_.is_option(word)) {
            complete_option(word);
        } else {
            complete_place(word);
        }
        return std::move(completion_);
    }

private:
    void add(const std::string& word, const std::string& typed, const std::string& what) {
        if (word.starts_with(typed)) completion_.candidates.push_back({word, what});
    }

    void complete_option(const std::string& word) {
        const std::size_t equals = word.find('=');
        const CLI::Option* option =
            equals == std::string::npos ? nullptr : walk_.option_named(word.substr(0, equals));
        if (option != nullptr) {
            return add_values(*option, word.substr(0, equals + 1), word.substr(equals + 1));
        }
        for (const CLI::Option* known : named_options(walk_.verb())) {
            for (const std::string& name : known->get_lnames())
                add("--" + name, word, known->get_description());
            for (const std::string& name : known->get_snames())
                add("-" + name, word, known->get_description());
        }
    }

    void complete_place(const std::string& word) {
        if (walk_.is_at_first_place()) add_verbs(walk_.verb(), word);
        const CLI::Option* place = walk_.place();
        if (place != nullptr) return add_values(*place, "", word);
        if (walk_.verb().get_prefix_command()) completion_.kind = Kind::files;
    }

    void add_verbs(const CLI::App& parent, const std::string& word) {
        for (const CLI::App* verb : verbs_of(parent))
            add(verb->get_name(), word, verb->get_description());
    }

    /// `before`: what of the word is no part of the value, `--store=`.
    void add_values(const CLI::Option& option, const std::string& before,
                    const std::string& typed) {
        for (const std::string& choice : value_choices(option))
            add(before + choice, before + typed, "");
        switch (values_of(option)) {
            case Values::anything:
                return;
            case Values::processes:
                return add_processes(typed);
            case Values::checkpoints:
                return typed.find('@') == std::string::npos ? add_processes(typed)
                                                            : add_checkpoints(typed);
            case Values::verbs:
                return add_verbs(walk_.app(), typed);
            case Values::files:
                completion_.kind = Kind::files;
                return;
            case Values::directories:
                completion_.kind = Kind::directories;
                return;
        }
    }

    void add_processes(const std::string& typed) {
        const auto store = open_store(invocation_);
        if (!store.ok()) return;
        const auto records = (*store)->processes();
        if (!records.ok()) return;
        for (const store::ProcessRecord& record : *records) {
            const auto observed = process::observe((*store)->run_directory(), record);
            add(process::display_name(record), typed,
                std::string(process::text_of(observed.state)));
        }
    }

    void add_checkpoints(const std::string& typed) {
        const auto store = open_store(invocation_);
        if (!store.ok()) return;
        const auto record = process::find(**store, typed.substr(0, typed.find('@')));
        if (!record.ok()) return;
        const auto family = (*store)->family(record->family);
        if (!family.ok()) return;
        const auto checkpoints = (*family)->checkpoints(record->id);
        if (!checkpoints.ok()) return;
        for (const store::CheckpointInfo& info : *checkpoints) {
            const std::string when = rfc3339(info.time_us);
            add(process::display_name(*record, info.id), typed,
                info.message.empty() ? when : when + " " + info.message);
        }
    }

    const Walk& walk_;
    Invocation invocation_;
    Completion completion_;
};

}  // namespace

Completion complete(const CLI::App& app, const Invocation& invocation,
                    const std::vector<std::string>& words) {
    if (words.empty()) return {};
    Walk walk(app);
    for (std::size_t index = 0; index + 1 < words.size(); ++index)
        walk.pass(words[index]);
    return Completer(walk, invocation).complete(words.back());
}

}  // namespace sojourn::tools
