#include "tools/vm/checkpoint_options.hpp"

#include <CLI/CLI.hpp>

#include "base/number.hpp"
#include "base/quantity.hpp"

namespace sojourn::tools {

namespace {

std::vector<std::string> split_at_commas(const std::string& text) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    for (auto comma = text.find(','); comma != std::string::npos; comma = text.find(',', begin)) {
        parts.push_back(text.substr(begin, comma - begin));
        begin = comma + 1;
    }
    parts.push_back(text.substr(begin));
    return parts;
}

Result<void> set_once(std::optional<std::uint64_t>& limit, std::uint64_t value,
                      std::string_view what) {
    if (limit) {
        return fail(ErrorCode::invalid_argument, "--checkpoint-every takes one {} at most", what);
    }
    limit = value;
    return {};
}

Result<void> add_limit(process::CheckpointRhythm& rhythm, const std::string& text) {
    if (const auto interval_ns = parse_duration(text); interval_ns.ok()) {
        return set_once(rhythm.interval_ns, *interval_ns, "time");
    }
    if (const auto bytes = parse_size(text); bytes.ok()) {
        return set_once(rhythm.dirty_bytes, *bytes, "amount of changed data");
    }
    return fail(ErrorCode::invalid_argument,
                "--checkpoint-every {}: neither a time (200ms, 1s, 5m, 1h) nor an amount of "
                "changed data (100MB, 64MiB)",
                text);
}

std::uint32_t* rule_of(process::RetentionPolicy& policy, std::string_view name) {
    if (name == "last") return &policy.last;
    if (name == "hourly") return &policy.hourly;
    if (name == "daily") return &policy.daily;
    return nullptr;
}

}  // namespace

Result<process::RetentionPolicy> parse_keep(const std::string& text) {
    process::RetentionPolicy policy;
    for (const std::string& part : split_at_commas(text)) {
        const auto equals = part.find('=');
        std::uint32_t* rule = rule_of(policy, std::string_view(part).substr(0, equals));
        const auto count = equals == std::string::npos
                               ? std::nullopt
                               : parse_number<std::uint32_t>(part.substr(equals + 1));
        if (rule == nullptr || *rule != 0 || count.value_or(0) == 0) {
            return fail(ErrorCode::invalid_argument,
                        "--keep {}: '{}' is no rule; write last=10,hourly=24,daily=7, or some of "
                        "them, each once",
                        text, part);
        }
        *rule = *count;
    }
    return policy;
}

void CheckpointOptions::add_to(CLI::App& verb) {
    verb.add_option("--precopy", precopy_rounds,
                    "How often changed memory is written ahead, while the guest runs, before a "
                    "checkpoint pauses it: 0 to 9 rounds")
        ->type_name("ROUNDS")
        ->capture_default_str()
        ->check(CLI::Range(0U, 9U));
    verb.add_option(
            "--checkpoint-every", every,
            "Take a checkpoint whenever this time has passed (200ms, 1s, 5m, 1h) or so much "
            "data has changed (100MB, 64MiB); of 1s,100MB, at what comes first")
        ->type_name("RHYTHM")
        ->allow_extra_args(false);
    verb.add_option("--keep", keep,
                    "After each checkpoint, remove those that no rule keeps: "
                    "last=10,hourly=24,daily=7; one with a message stays")
        ->type_name("RULES");
}

Result<void> CheckpointOptions::apply_to(process::Execution& execution) const {
    for (const std::string& list : every) {
        for (const std::string& text : split_at_commas(list))
            TRY(add_limit(execution.checkpoint_rhythm, text));
    }
    execution.precopy_rounds = precopy_rounds;
    if (!keep.empty()) execution.keep = TRY(parse_keep(keep));
    return {};
}

}  // namespace sojourn::tools
