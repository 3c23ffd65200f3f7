#include <cstdlib>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/number.hpp"
#include "base/quantity.hpp"
#include "tools/spectest/suite.hpp"

/// Runs scripts of the specification's test suite, as docs/vm-spectest.md describes.
namespace sojourn::spec {

namespace {

constexpr int kErrorExitCode = 125;

constexpr const char* kExamples =
    "Exit codes: 0 nothing failed but what --expected lists, 1 something did, 125 an error.\n"
    "\n"
    "Examples:\n"
    "  wast2json br_if.wast -o suite/br_if.json && vm-spectest suite\n"
    "  vm-spectest --expected known.txt suite core/simd\n"
    "  vm-spectest --reincarnate --cache 512K suite";

struct CommandLine {
    std::string folder;
    std::vector<std::string> selected;
    std::string expected;
    std::string reincarnate;
    std::string cache;
    std::string engine = "interp";
    bool is_shadowed = false;
    bool is_json = false;
    bool is_verbose = false;

    void add_to(CLI::App& app) {
        app.add_option("DIR", folder, "A folder with what wast2json wrote, also below it")
            ->required();
        app.add_option("SCRIPT", selected,
                       "Only scripts of this name (br_if), or in this folder (core/simd)");
        app.add_option("--expected", expected, "What is known to fail: lines SCRIPT:LINE REASON")
            ->type_name("FILE");
        app.add_flag("--reincarnate", reincarnate,
                     "Checkpoint, drop and restore the machine between commands and within them; "
                     "with a number N at each N-th safepoint, else at each, later more rarely");
        app.add_option("--cache", cache,
                       "How much memory the scripts' memories and tables take here, at least 512K")
            ->type_name("SIZE");
        app.add_option("--engine", engine,
                       "How the scripts' code is run: interp, jit, which compiles every function "
                       "when it is called first, or auto, which does so in the background")
            ->type_name("KIND");
        app.add_flag("--shadow", is_shadowed,
                     "Interpret the scripts as well, in step, and compare the stacks value by "
                     "value at each safepoint, later more rarely")
            ->excludes("--reincarnate");
        app.add_flag("--json", is_json, "Answer with one JSON object; failures go to stderr");
        app.add_flag("--verbose", is_verbose, "Tell each script's result");
    }

    [[nodiscard]] Result<SuiteOptions> parse() const {
        SuiteOptions options{.folder = folder,
                             .selected = {selected.begin(), selected.end()},
                             .reincarnates = !reincarnate.empty(),
                             .is_shadowed = is_shadowed,
                             .safepoints_between = TRY(parse_interval()),
                             .is_verbose = is_verbose,
                             .report = is_json ? stderr : stdout};
        if (!expected.empty()) options.expectations = TRY(Expectations::read(expected));
        options.engine = TRY(vm::parse_engine(engine));
        if (!cache.empty()) options.heap.cache_bytes = TRY(parse_cache());
        return options;
    }

private:
    [[nodiscard]] Result<std::optional<std::uint64_t>> parse_interval() const {
        if (reincarnate.empty() || reincarnate == "true") return std::optional<std::uint64_t>();
        const auto interval = parse_number<std::uint64_t>(reincarnate);
        if (interval.value_or(0) > 0) return interval;
        return fail(ErrorCode::invalid_argument,
                    "--reincarnate={}: write how many safepoints apart, 1 or more", reincarnate);
    }

    [[nodiscard]] Result<std::uint64_t> parse_cache() const {
        const std::uint64_t bytes = TRY(parse_size(cache));
        if (bytes >= heap::kCacheBytesMin) return bytes;
        return fail(ErrorCode::invalid_argument, "--cache {}: the smallest is {}K", cache,
                    heap::kCacheBytesMin >> 10U);
    }
};

void print_json(const Tally& tally) {
    nlohmann::ordered_json object;
    object["passed"] = tally.passed;
    object["failed"] = tally.failed;
    object["skipped"] = tally.skipped;
    object["expected"] = tally.expected;
    fmt::print("{}\n", object.dump());
}

void print_text(const Tally& tally, const SuiteOptions& options) {
    for (const auto& [reason, count] : tally.skipped_because)
        fmt::print("skipped {}: {}\n", count, reason);
    if (tally.expected > 0) fmt::print("{} failed as expected\n", tally.expected);
    if (options.is_shadowed)
        fmt::print("compared at {} safepoints\n", tally.compared_at_safepoints);
    if (options.reincarnates) {
        fmt::print("reborn {} times between commands, {} times within\n", tally.reborn_at_rest,
                   tally.reborn_at_safepoints);
    }
    for (const auto& [what, count] : tally.functions)
        fmt::print("{} functions {}\n", count, what);
    fmt::print("{} passed, {} failed, {} skipped\n", tally.passed, tally.failed, tally.skipped);
}

int fail_with(const Error& error) {
    fmt::print(stderr, "vm-spectest: error: {}: {}\n", text_of(error.code), error.message);
    return kErrorExitCode;
}

int run(const CommandLine& line) {
    const auto options = line.parse();
    if (!options.ok()) return fail_with(options.error());
    const auto tally = run_suite(*options);
    if (!tally.ok()) return fail_with(tally.error());
    if (line.is_json) {
        print_json(*tally);
    } else {
        print_text(*tally, *options);
    }
    if (tally->unreadable_scripts > 0) return kErrorExitCode;
    return tally->failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/// What was typed, last word first, as the parser wants it. `--reincarnate 100` becomes one word:
/// the parser would take DIR for the number when there is none.
std::vector<std::string> words_of(int argc, char** argv) {
    std::vector<std::string> words;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const bool is_number = word.find_first_not_of("0123456789") == std::string::npos;
        if (is_number && !word.empty() && !words.empty() && words.back() == "--reincarnate") {
            words.back() += "=" + word;
        } else {
            words.push_back(word);
        }
    }
    return {words.rbegin(), words.rend()};
}

int main_of(int argc, char** argv) {
    CLI::App app("Runs scripts of WebAssembly's test suite, in the form that wast2json gives them",
                 "vm-spectest");
    app.set_version_flag("--version", "vm-spectest " SOJOURN_VERSION);
    app.footer(kExamples);
    CommandLine line;
    line.add_to(app);
    try {
        app.parse(words_of(argc, argv));
    } catch (const CLI::Success& asked_for) {
        return app.exit(asked_for);
    } catch (const CLI::ParseError& error) {
        return fail_with(fail(ErrorCode::invalid_argument,
                              "{}; vm-spectest --help lists what there is", error.what()));
    }
    return run(line);
}

}  // namespace

}  // namespace sojourn::spec

int main(int argc, char** argv) {
    return sojourn::spec::main_of(argc, argv);
}
