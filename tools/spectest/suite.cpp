#include "tools/spectest/suite.hpp"

#include <algorithm>

#include "tools/spectest/script_runner.hpp"
#include "tools/spectest/spectest_module.hpp"

namespace sojourn::spec {

namespace {

namespace fs = std::filesystem;

struct FoundScript {
    fs::path path;
    std::string name;  ///< its path below the suite, without the suffix
};

bool is_selected(const SuiteOptions& options, const std::string& name) {
    const fs::path path(name);
    return options.selected.empty() || options.selected.contains(name) ||
           options.selected.contains(path.filename()) ||
           options.selected.contains(path.parent_path());
}

Result<std::vector<FoundScript>> find_scripts(const SuiteOptions& options) {
    std::error_code error;
    fs::recursive_directory_iterator entries(options.folder, error);
    if (error) {
        return fail(ErrorCode::not_found, "{}: {}; give a folder with what wast2json wrote",
                    options.folder.native(), error.message());
    }
    std::vector<FoundScript> scripts;
    for (; entries != fs::end(entries); entries.increment(error)) {
        const fs::path& path = entries->path();
        if (path.extension() != ".json") continue;
        const fs::path below = path.lexically_relative(options.folder);
        scripts.push_back({path, fs::path(below).replace_extension().generic_string()});
    }
    if (error) {
        return fail(ErrorCode::io, "{} can't be listed: {}", options.folder.native(),
                    error.message());
    }
    std::ranges::sort(scripts, {}, &FoundScript::name);
    return scripts;
}

/// `tail calls (0x12) (function 0, byte 0x18)`: the feature without its place.
std::string feature_of(const std::string& reason) {
    return reason.substr(0, reason.find(" ("));
}

class Suite {
public:
    Suite(const SuiteOptions& options, std::shared_ptr<const vm::Module> spectest,
          std::unique_ptr<vm::CompiledTier> tier)
        : options_(options), spectest_(std::move(spectest)), tier_(std::move(tier)) {}

    /// By what became of them; nothing of an engine that compiles nothing.
    [[nodiscard]] std::map<std::string, std::uint64_t> functions() const {
        if (tier_ == nullptr) return {};
        return tier_->counts();
    }

    Result<Tally> run(const FoundScript& found) {
        const Script script = TRY(read_script(found.path));
        Pace pace(options_.safepoints_between);
        ScriptRunner runner(script, spectest_, [&] { return create_life(pace); });
        Tally tally = judge(found.name, runner.run());
        tally.reborn_at_rest = pace.at_rest();
        (options_.is_shadowed ? tally.compared_at_safepoints : tally.reborn_at_safepoints) =
            pace.at_safepoints();
        if (options_.is_verbose) print(found.name, tally, pace);
        return tally;
    }

    /// Tells what the list expects of scripts that are not there.
    void tell_stale(const std::vector<FoundScript>& scripts, Tally& tally) const {
        for (const std::string& name : options_.expectations.scripts()) {
            if (std::ranges::find(scripts, name, &FoundScript::name) != scripts.end()) continue;
            tell_failure(name, "there is no such script; take it off the list");
            ++tally.failed;
        }
    }

private:
    Result<std::unique_ptr<Life>> create_life(Pace& pace) {
        const auto& heap = options_.heap;
        if (options_.reincarnates)
            return create_reincarnating_life(clock_, random_, heap, pace, tier_.get());
        if (options_.is_shadowed)
            return create_shadowed_life(clock_, random_, heap, pace, tier_.get());
        return create_plain_life(clock_, random_, heap, tier_.get());
    }

    Tally judge(const std::string& name, const std::vector<Verdict>& verdicts) const {
        const std::set<unsigned>& expected = options_.expectations.lines_of(name);
        std::set<unsigned> not_yet_failed = expected;
        Tally tally;
        for (const Verdict& verdict : verdicts) {
            if (verdict.kind == Verdict::Kind::passed) {
                ++tally.passed;
            } else if (verdict.kind == Verdict::Kind::skipped) {
                ++tally.skipped;
                ++tally.skipped_because[feature_of(verdict.reason)];
            } else if (expected.contains(verdict.line)) {
                ++tally.expected;
                not_yet_failed.erase(verdict.line);
            } else {
                ++tally.failed;
                tell_failure(fmt::format("{}:{}", name, verdict.line), verdict.reason);
            }
        }
        for (const unsigned line : not_yet_failed) {
            ++tally.failed;
            tell_failure(fmt::format("{}:{}", name, line), "does not fail; take it off the list");
        }
        return tally;
    }

    void tell_failure(const std::string& place, const std::string& reason) const {
        fmt::print(options_.report, "{}: {}\n", place, reason);
    }

    void print(const std::string& name, const Tally& tally, const Pace& pace) const {
        fmt::print(options_.report, "{}: {} passed, {} failed, {} skipped", name, tally.passed,
                   tally.failed, tally.skipped);
        if (tally.expected > 0) fmt::print(options_.report, ", {} as expected", tally.expected);
        if (options_.reincarnates) {
            fmt::print(options_.report,
                       ", reborn {} times between commands and {} within, at last {} safepoints "
                       "apart",
                       tally.reborn_at_rest, tally.reborn_at_safepoints, pace.safepoints_to_next());
        }
        fmt::print(options_.report, "\n");
        std::fflush(options_.report);
    }

    const SuiteOptions& options_;
    std::shared_ptr<const vm::Module> spectest_;
    std::unique_ptr<vm::CompiledTier> tier_;
    SystemClock clock_;
    SystemRandom random_;
};

}  // namespace

void Tally::add(const Tally& other) {
    passed += other.passed;
    failed += other.failed;
    skipped += other.skipped;
    expected += other.expected;
    unreadable_scripts += other.unreadable_scripts;
    reborn_at_rest += other.reborn_at_rest;
    reborn_at_safepoints += other.reborn_at_safepoints;
    compared_at_safepoints += other.compared_at_safepoints;
    for (const auto& [reason, count] : other.skipped_because)
        skipped_because[reason] += count;
}

Result<Tally> run_suite(const SuiteOptions& options) {
    const auto scripts = TRY(find_scripts(options));
    auto tier = TRY(vm::open_tier(options.engine, {.patience = 1}));
    Suite suite(options, TRY(load_spectest_module()), std::move(tier));
    Tally total;
    std::size_t found = 0;
    for (const FoundScript& script : scripts) {
        if (!is_selected(options, script.name)) continue;
        ++found;
        const auto tally = suite.run(script);
        if (tally.ok()) {
            total.add(*tally);
            continue;
        }
        ++total.unreadable_scripts;
        fmt::print(stderr, "vm-spectest: error: {}: {}\n", text_of(tally.error().code),
                   tally.error().message);
    }
    if (found == 0) {
        return fail(ErrorCode::not_found,
                    "{} has no {}script; wast2json FILE.wast -o FILE.json makes one",
                    options.folder.native(), options.selected.empty() ? "" : "such ");
    }
    suite.tell_stale(scripts, total);
    total.functions = suite.functions();
    return total;
}

}  // namespace sojourn::spec
