#include <fcntl.h>
#include <optional>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "bench/guests/pages.h"
#include "bench/support/report.hpp"
#include "bench/support/vm.hpp"
#include "tests/support/control_group.hpp"

/// What does a bounded cache cost, next to everything in memory and next to the kernel's own
/// paging?
namespace sojourn::bench {

namespace {

using tests::ControlGroup;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
const std::string kTestGuests = "../../tests/checkpoint/";  // beside those of bench/guests
constexpr int kMemoryMib = 1024;
constexpr int kFittingMib = 160;
constexpr const char* kCache = "256M";
constexpr std::uint64_t kGroupBytes = (256 + 128) * kMiB;

struct Pattern {
    const char* name;
    bool is_random;
    int hot_mib;  ///< of kMemoryMib
};

constexpr Pattern kPatterns[] = {{"sequential", false, kMemoryMib},
                                 {"random", true, kMemoryMib},
                                 {"random, fitting", true, kFittingMib}};

/// Pages that a guest visits in a second, after it wrote all of its memory.
double guest_visits(const VmStore& store, const ControlGroup* group, const Pattern& pattern,
                    const std::string& cache, int seconds) {
    std::optional<ControlGroup::Stay> stay;
    if (group != nullptr) stay.emplace(*group);
    RunningVm vm =
        store.start({"run", "--cache", cache, guest("walker"), std::to_string(kMemoryMib),
                     std::to_string(pattern.hot_mib), pattern.is_random ? "random" : "sequential",
                     std::to_string(seconds)});
    stay.reset();
    return static_cast<double>(number_in(vm.read_line()));
}

/// The same walk by a native program over a mapped file. Runs in a process of its own.
double walk_mapped_file(const std::string& path, const Pattern& pattern, int seconds) {
    constexpr std::size_t kBytes = std::size_t{kMemoryMib} << 20U;
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || ::ftruncate(file, kBytes) != 0) return 0;
    void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) return 0;
    Pages pages{static_cast<volatile std::uint64_t*>(memory), kBytes / kPageBytes};
    for (std::uint64_t index = 0; index < pages.count; ++index)
        fill_with_text(pages, index);
    pages.count = static_cast<std::uint64_t>(pattern.hot_mib) * kMiB / kPageBytes;
    return static_cast<double>(
        visits_a_second(pages, pattern.is_random ? 1 : 0, static_cast<std::uint64_t>(seconds)));
}

/// nullopt when the process was killed.
std::optional<double> kernel_visits(const VmStore& store, const ControlGroup& group,
                                    const Pattern& pattern, int seconds) {
    const std::string path = store.folder() / "mapped";
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    const pid_t child = ::fork();
    if (child == 0) {
        const ControlGroup::Stay stay(group);  // _exit() leaves it in the group
        const double visits = walk_mapped_file(path, pattern, seconds);
        ::_exit(::write(ends[1], &visits, sizeof visits) == sizeof visits ? 0 : 1);
    }
    ::close(ends[1]);
    double visits = 0;
    const bool is_told = ::read(ends[0], &visits, sizeof visits) == sizeof visits;
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    ::unlink(path.c_str());
    if (!is_told) return std::nullopt;
    return visits;
}

void measure_patterns(Report& report, const Options& options) {
    std::string why_not;
    const auto group = ControlGroup::create(why_not);
    const bool is_limited = group != nullptr && group->limit_memory(kGroupBytes);
    if (!is_limited) report.note("no paging by the kernel to compare with: " + why_not);
    const int seconds = options.repetitions(4, 1);
    const int rounds = options.repetitions(3, 1);
    for (const Pattern& pattern : kPatterns) {
        const VmStore store;
        std::vector<double> bounded;
        std::vector<double> resident;
        std::vector<double> kernel;
        for (int round = 0; round < rounds; ++round) {
            bounded.push_back(
                guest_visits(store, is_limited ? group.get() : nullptr, pattern, kCache, seconds));
            resident.push_back(guest_visits(store, nullptr, pattern, "unlimited", seconds));
            if (!is_limited) continue;
            if (const auto visits = kernel_visits(store, *group, pattern, seconds))
                kernel.push_back(*visits);
        }
        Peer mapped_file{"mapped file, native, same group", std::nullopt};
        if (!kernel.empty()) mapped_file.value = median_of(kernel);
        report.add({fmt::format("{}, --cache {} of {} MiB", pattern.name, kCache, kMemoryMib),
                    "pages/s", figure_of(bounded, Better::higher), mapped_file});
        report.add({fmt::format("{}, --cache unlimited", pattern.name), "pages/s",
                    figure_of(resident, Better::higher)});
    }
}

/// Whole memories, as large as they can be: seconds from start to end. The guests check themselves.
void measure_largest(Report& report) {
    const VmStore store;
    const auto seconds = [&](const std::string& program, int wasm_pages) {
        const std::uint64_t begin_ns = now_ns();
        store.run({"run", "--cache", kCache, guest(kTestGuests + program),
                   std::to_string(wasm_pages), "4096"});
        return static_cast<double>(now_ns() - begin_ns) / 1e9;
    };
    report.add({"a walk over all of 4 GiB, 32-bit, --cache 256M", "s",
                figure_of({seconds("bigmap", 65'536)})});
    report.add({"a walk over 8 GiB, 64-bit, --cache 256M", "s",
                figure_of({seconds("bigmap64", 131'072)})});
}

void measure(Report& report, const Options& options) {
    measure_patterns(report, options);
    if (!options.quick) measure_largest(report);
}

}  // namespace

}  // namespace sojourn::bench

int main(int argument_count, char** arguments) {
    return sojourn::bench::run_benchmark(
        argument_count, arguments, "What does a bounded cache cost?", sojourn::bench::measure);
}
