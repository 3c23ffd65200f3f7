// libFuzzer's view of the targets: fuzz --list | fuzz TARGET --seeds DIR | fuzz TARGET flags and
// folders as libFuzzer takes them.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/mman.h>

#include <fmt/format.h>

#include "tests/fuzz/target.hpp"

using namespace sojourn;

namespace {

const fuzz::Target* chosen = nullptr;

/// How often which edge was passed: what libFuzzer is guided by.
constexpr std::size_t kCounters = 1U << 16U;
alignas(4096) std::uint8_t counters[kCounters];

/// A target may do its work in a child: what is passed there counts too.
void share_counters() {
    constexpr int kHere = MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED;
    void* shared = ::mmap(counters, kCounters, PROT_READ | PROT_WRITE, kHere, -1, 0);
    if (shared != counters) std::perror("only this host process is counted");
}

[[noreturn]] void list_and_exit(int exit_code) {
    for (const fuzz::Target& target : fuzz::targets())
        fmt::print("  {:<12} {}\n", target.name, target.what);
    std::exit(exit_code);
}

[[noreturn]] void write_seeds_and_exit(const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    int number = 0;
    for (const auto& seed : chosen->seeds()) {
        std::ofstream file(folder / fmt::format("seed-{:03}", number++), std::ios::binary);
        file << as_text(seed);
    }
    fmt::print("{} seeds\n", number);
    if (number == 0) fmt::print(stderr, "fuzz: {} needs a tool that is missing\n", chosen->name);
    std::exit(number == 0 ? 1 : 0);
}

}  // namespace

extern "C" {

extern const char __executable_start;
void __sanitizer_cov_8bit_counters_init(std::uint8_t* begin, std::uint8_t* end);

/// g++ calls this at every edge, where Clang would count by itself.
__attribute__((no_sanitize_coverage)) void __wrap___sanitizer_cov_trace_pc() {
    const auto place = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) -
                       reinterpret_cast<std::uintptr_t>(&__executable_start);
    ++counters[(place * 0x9e3779b97f4a7c15U) >> 48U];
}

// g++ tells of comparisons of floating-point numbers as well, which libFuzzer makes nothing of.
void __sanitizer_cov_trace_cmpf(float, float) {}
void __sanitizer_cov_trace_cmpd(double, double) {}

int LLVMFuzzerInitialize(int* argc, char*** argv) {
    share_counters();
    __sanitizer_cov_8bit_counters_init(counters, counters + kCounters);
    char** arguments = *argv;
    if (*argc < 2) list_and_exit(1);
    if (std::string_view(arguments[1]) == "--list") list_and_exit(0);
    chosen = fuzz::find_target(arguments[1]);
    if (chosen == nullptr) list_and_exit(1);
    if (*argc == 4 && std::string_view(arguments[2]) == "--seeds")
        write_seeds_and_exit(arguments[3]);
    for (int i = 1; i + 1 < *argc; ++i)
        arguments[i] = arguments[i + 1];
    --*argc;
    return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    chosen->run(std::as_bytes(std::span(data, size)));
    return 0;
}
}
