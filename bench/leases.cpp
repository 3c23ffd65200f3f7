#include <fcntl.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "bench/guests/transfers.h"
#include "bench/support/report.hpp"
#include "bench/support/vm.hpp"
#include "leases/manager.hpp"
#include "leases/random.hpp"

/// What does it cost that everything a guest holds is a lease?
namespace sojourn::bench {

namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr int kLeases = 10'000;

/// A holder of many leases, by this process's clock.
class Holder {
public:
    explicit Holder(const leases::LeaseTerms& terms) : manager_(host_, store::Epoch{1}) {
        manager_.set_terms(terms);
        if (!manager_.renew_in_background([this] { has_overdue_ = true; }).ok())
            throw std::runtime_error("leases can't be renewed");
        for (int i = 0; i < kLeases; ++i)
            ids_.push_back(manager_.grant(leases::RandomService::open(host_, std::nullopt)));
    }

    [[nodiscard]] const Clock& clock() const { return clock_; }
    [[nodiscard]] bool has_overdue() const { return has_overdue_; }

    /// Nanoseconds a use.
    double use_ns(int rounds) {
        const std::uint64_t begin_ns = clock_.monotonic_ns();
        for (int round = 0; round < rounds; ++round) {
            for (const leases::LeaseId id : ids_) {
                if (!manager_.use(id).ok()) throw std::runtime_error("a lease was lost");
            }
        }
        return static_cast<double>(clock_.monotonic_ns() - begin_ns) / (rounds * kLeases);
    }

private:
    SystemClock clock_;
    SystemRandom random_;
    std::unique_ptr<leases::Interrupt> interrupt_ = leases::Interrupt::create().value();
    leases::Host host_{.clock = clock_, .random = random_, .interrupt = *interrupt_};
    std::atomic<bool> has_overdue_ = false;
    std::vector<leases::LeaseId> ids_;
    leases::LeaseManager manager_;  // before what it tells goes
};

/// While nobody uses them.
void measure_renewal(Report& report, const Options& options, std::uint64_t ttl_ns) {
    const Holder holder({{leases::ServiceKind::random, ttl_ns}});
    std::vector<double> shares;
    for (int i = 0; i < options.repetitions(10, 4); ++i) {
        const std::uint64_t cpu_ns = holder.clock().process_cpu_ns();
        std::this_thread::sleep_for(std::chrono::seconds(1));
        shares.push_back(static_cast<double>(holder.clock().process_cpu_ns() - cpu_ns) * 100 /
                         kSecondNs);
    }
    if (holder.has_overdue()) report.note("leases ran out: the machine is too busy to renew them");
    report.add({fmt::format("renewing {} leases of {} ms", kLeases, ttl_ns / 1'000'000),
                "% of a core",
                figure_of(shares),
                {},
                at_most(1)});
}

void measure_use(Report& report, const Options& options) {
    Holder timed({{leases::ServiceKind::random, 3600 * kSecondNs}});
    Holder untimed({});
    std::vector<double> timed_ns;
    std::vector<double> untimed_ns;
    for (int i = 0; i < options.repetitions(20, 5); ++i) {
        timed_ns.push_back(timed.use_ns(10));
        untimed_ns.push_back(untimed.use_ns(10));
    }
    report.add({fmt::format("using one of {} leases that are held for a time", kLeases),
                "ns",
                figure_of(timed_ns),
                {"held until given back", median_of(untimed_ns)}});
}

/// The same calls by a guest and by this process, in turns, on one file.
void measure_transfers(Report& report, const Options& options, std::uint32_t bytes) {
    const tests::TemporaryFolder folder;
    const std::string path = folder.path() / "data";
    const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file.valid()) throw std::runtime_error("no file to work with");
    if (!write_all(file.get(), ByteVector(kTransferFileBytes)).ok())
        throw std::runtime_error("no space for a file of 64 MiB");
    const VmStore store;
    RunningVm vm =
        store.start({"run", "--dir", folder.path().string() + "::/", guest("transfers")});
    vm.read_line();

    const std::uint32_t count = bytes == kTransferBytesMax ? 1000 : 10'000;
    const std::string command = fmt::format("transfer {} {}", count, bytes);
    std::vector<double> overheads;
    std::vector<double> native_us;
    for (int i = 0; i < options.repetitions(100, 40); ++i) {
        const auto native_ns = static_cast<double>(transfer(file.get(), count, bytes));
        const auto guest_ns = static_cast<double>(vm.ask_number(command));
        if (native_ns == 0 || guest_ns == 0) throw std::runtime_error("a transfer failed");
        overheads.push_back((guest_ns / native_ns - 1) * 100);
        native_us.push_back(native_ns / count / 1000);
    }
    report.add({fmt::format("a guest that reads and writes {} KiB at a time, over bare descriptors",
                            bytes / 1024),
                "%",
                figure_of(overheads),
                {"bare, us of CPU a call", median_of(native_us)},
                at_most(2)});
}

void measure(Report& report, const Options& options) {
    measure_renewal(report, options, 10 * kSecondNs);
    measure_renewal(report, options, kSecondNs);
    measure_use(report, options);
    measure_transfers(report, options, 4096);
    measure_transfers(report, options, kTransferBytesMax);
}

}  // namespace

}  // namespace sojourn::bench

int main(int argument_count, char** arguments) {
    return sojourn::bench::run_benchmark(argument_count, arguments,
                                         "What does it cost that a guest holds leases?",
                                         sojourn::bench::measure);
}
