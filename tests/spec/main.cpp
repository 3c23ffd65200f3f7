#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/file.hpp"
#include "tests/spec/script_runner.hpp"

/// Runs the official suite of the specification: `spec_suite [--reincarnate] FOLDER [FILE…]`, from
/// the top of the repository. FOLDER holds what tests/spec/convert made of the suite; when it does
/// not, the exit code is 77: skipped. FILE is a name such as `br_if`, or a
/// folder such as `core/simd`.
namespace sojourn::spec {

namespace {

namespace fs = std::filesystem;

constexpr int kExitSkipped = 77;
const fs::path kOwnFolder = "tests/spec";

struct Tally {
    std::size_t passed = 0;
    std::size_t failed = 0;
    std::size_t skipped = 0;
    std::size_t expected_failures = 0;
    std::uint64_t at_rest = 0;
    std::uint64_t at_safepoints = 0;
    std::map<std::string, std::size_t> skipped_because;

    void skip(const std::string& reason, std::size_t count) {
        if (count == 0) return;
        skipped += count;
        // "tail calls (0x12) (function 0, byte 0x18)": the feature without its place
        skipped_because[reason.substr(0, reason.find(" ("))] += count;
    }

    void add(const Tally& other) {
        passed += other.passed;
        failed += other.failed;
        skipped += other.skipped;
        expected_failures += other.expected_failures;
        at_rest += other.at_rest;
        at_safepoints += other.at_safepoints;
        for (const auto& [reason, count] : other.skipped_because)
            skipped_because[reason] += count;
    }
};

/// The first words of tests/spec/expected_failures.txt: `memory_init.wast:190`.
std::set<std::string> read_expected_failures() {
    std::set<std::string> places;
    std::ifstream file(kOwnFolder / "expected_failures.txt");
    for (std::string line; std::getline(file, line);) {
        if (!line.empty() && line.front() != '#') places.insert(line.substr(0, line.find(' ')));
    }
    return places;
}

/// What this build runs none of.
constexpr std::string_view kLeftOut[] = {"core/gc"};

bool is_left_out(const fs::path& folder) {
    return std::ranges::find(kLeftOut, folder.generic_string()) != std::end(kLeftOut);
}

std::vector<fs::path> find_scripts(const fs::path& suite, const std::set<std::string>& wanted) {
    std::vector<fs::path> scripts;
    for (const auto& entry : fs::recursive_directory_iterator(suite)) {
        const fs::path& path = entry.path();
        if (path.extension() != ".json") continue;
        const fs::path folder = fs::relative(path.parent_path(), suite);
        if (is_left_out(folder)) continue;
        if (wanted.empty() || wanted.contains(path.stem()) || wanted.contains(folder)) {
            scripts.push_back(path);
        }
    }
    std::ranges::sort(scripts);
    return scripts;
}

class Suite {
public:
    Suite(bool reincarnate, std::shared_ptr<const vm::Module> spectest)
        : reincarnate_(reincarnate), spectest_(std::move(spectest)) {}

    Result<Tally> run(const fs::path& json) {
        const Script script = TRY(read_script(json));
        const std::string name = json.stem().string() + ".wast";
        Pace pace;
        ScriptRunner runner(script, spectest_, [&] {
            return reincarnate_ ? create_reincarnating_life(clock_, random_, pace)
                                : create_plain_life(clock_, random_);
        });
        Tally tally = judge(name, runner.run());
        tally.at_rest = pace.at_rest();
        tally.at_safepoints = pace.at_safepoints();
        print(name, tally);
        if (pace.safepoints_to_next() > 1) {
            fmt::print("    the last reincarnations {} safepoints apart\n",
                       pace.safepoints_to_next());
        }
        return tally;
    }

    void print(const std::string& name, const Tally& tally) const {
        fmt::print("{}: {} passed, {} failed, {} skipped", name, tally.passed, tally.failed,
                   tally.skipped);
        if (tally.expected_failures > 0) {
            fmt::print(", {} failed as expected", tally.expected_failures);
        }
        if (reincarnate_) {
            fmt::print(", {} reincarnations between commands, {} at safepoints", tally.at_rest,
                       tally.at_safepoints);
        }
        fmt::print("\n");
        std::fflush(stdout);
    }

private:
    Tally judge(const std::string& name, const std::vector<Verdict>& verdicts) {
        Tally tally;
        for (const Verdict& verdict : verdicts) {
            const std::string place = fmt::format("{}:{}", name, verdict.line);
            const bool failure_is_expected = expected_failures_.contains(place);
            if (verdict.kind == Verdict::Kind::skipped) {
                tally.skip(verdict.reason, 1);
            } else if (verdict.kind == Verdict::Kind::failed && failure_is_expected) {
                ++tally.expected_failures;
            } else if (verdict.kind == Verdict::Kind::passed && !failure_is_expected) {
                ++tally.passed;
            } else {
                ++tally.failed;
                fmt::print("{}: {}\n", place,
                           failure_is_expected ? "passes, take it off the list" : verdict.reason);
            }
        }
        return tally;
    }

    bool reincarnate_;
    std::shared_ptr<const vm::Module> spectest_;
    std::set<std::string> expected_failures_ = read_expected_failures();
    SystemClock clock_;
    SystemRandom random_;
};

Result<std::shared_ptr<const vm::Module>> load_spectest(const fs::path& suite) {
    return vm::load_module(TRY(read_file(suite / "spectest.wasm")));
}

int skip(std::string_view reason) {
    fmt::print("test skipped: {}\n", reason);
    return kExitSkipped;
}

int run_suite(const fs::path& suite, bool reincarnate, const std::set<std::string>& wanted) {
    auto spectest = load_spectest(suite);
    if (!spectest.ok()) return skip(spectest.error().message);
    Suite runs(reincarnate, *spectest);
    Tally total;
    for (const fs::path& script : find_scripts(suite, wanted)) {
        const auto tally = runs.run(script);
        if (!tally.ok()) {
            fmt::print("{}: {}\n", script.string(), tally.error().message);
            return EXIT_FAILURE;
        }
        total.add(*tally);
    }
    for (const auto& [reason, count] : total.skipped_because) {
        fmt::print("skipped {}: {}\n", count, reason);
    }
    runs.print("total", total);
    const bool has_loops = wanted.empty() || wanted.contains("core");
    const bool never_reborn = reincarnate && has_loops && total.at_safepoints == 0;
    if (never_reborn) fmt::print("nothing was ever reincarnated at a safepoint\n");
    return total.failed > 0 || total.passed == 0 || never_reborn ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace

}  // namespace sojourn::spec

int main(int argc, char** argv) {
    bool reincarnate = false;
    std::vector<std::string> names;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--reincarnate") {
            reincarnate = true;
        } else {
            names.push_back(argument);
        }
    }
    if (names.empty()) {
        fmt::print("usage: spec_suite [--reincarnate] FOLDER [FILE…]\n");
        return EXIT_FAILURE;
    }
    return sojourn::spec::run_suite(names.front(), reincarnate, {names.begin() + 1, names.end()});
}
