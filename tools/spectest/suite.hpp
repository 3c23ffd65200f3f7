#pragma once

#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "heap/heap.hpp"
#include "tools/spectest/expectations.hpp"
#include "vm/engine.hpp"

namespace sojourn::spec {

struct SuiteOptions {
    std::filesystem::path folder;
    /// Names such as `br_if` or `core/br_if`, or folders such as `core/simd`; empty: all scripts.
    std::set<std::string> selected{};
    Expectations expectations{};
    bool reincarnates = false;
    bool is_shadowed = false;  ///< by the interpreter; not with `reincarnates`
    std::optional<std::uint64_t> safepoints_between{};  ///< nullopt: at every one, then more rarely
    heap::HeapOptions heap{};
    vm::Engine engine = vm::Engine::interp;
    bool is_verbose = false;
    std::FILE* report = stdout;  ///< where failures are told
};

/// Of commands, each of which counts once.
struct Tally {
    std::size_t passed = 0;
    std::size_t failed = 0;  ///< and were not expected to
    std::size_t skipped = 0;
    std::size_t expected = 0;  ///< failed as the list says
    std::size_t unreadable_scripts = 0;
    std::uint64_t reborn_at_rest = 0;        ///< between two commands
    std::uint64_t reborn_at_safepoints = 0;  ///< within one
    std::uint64_t compared_at_safepoints = 0;
    std::map<std::string, std::size_t> skipped_because{};
    std::map<std::string, std::uint64_t> functions{};  ///< how often compiled, or why not

    void add(const Tally& other);
};

/// Runs the scripts below a folder, in the order of their names. A script that can't be read is
/// told on stderr and does not keep the others from running. Errors: not_found when there is no
/// such folder or nothing in it to run; unsupported when there is no such engine.
Result<Tally> run_suite(const SuiteOptions& options);

}  // namespace sojourn::spec
