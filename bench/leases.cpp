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
#include "leases/host_directory.hpp"
#include "leases/manager.hpp"
#include "leases/random.hpp"

/// What does it cost that everything a guest holds is a lease?
namespace sojourn::bench {

namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr int kLeases = 10'000;
/// Of a program that works with files.
constexpr int kLeasesOfProgram = 16;

/// A holder of many leases, by this process's clock.
class Holder {
public:
    explicit Holder(const leases::LeaseTerms& terms, int count = kLeases)
        : manager_(host_, store::Epoch{1}) {
        manager_.set_terms(terms);
        if (!manager_.renew_in_background([this] { has_overdue_ = true; }).ok())
            throw std::runtime_error("leases can't be renewed");
        for (int i = 0; i < count; ++i)
            ids_.push_back(manager_.grant(leases::RandomService::open(host_, std::nullopt)));
    }

    leases::LeaseManager& manager() { return manager_; }
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

/// A file of 64 MiB that guests know as /data.
class DataFile {
public:
    DataFile() : file_(::open(path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
        if (!file_.valid()) throw std::runtime_error("no file to work with");
        if (!write_all(file_.get(), ByteVector(kTransferFileBytes)).ok())
            throw std::runtime_error("no space for a file of 64 MiB");
    }

    [[nodiscard]] int descriptor() const { return file_.get(); }
    [[nodiscard]] std::string folder() const { return folder_.path().string(); }

private:
    [[nodiscard]] std::string path() const { return folder_.path() / "data"; }

    tests::TemporaryFolder folder_;
    UniqueFd file_;
};

/// What is measured, and what beside it: nanoseconds of CPU that so many transfers took.
using Transfers = std::function<std::uint64_t(std::uint32_t count)>;

struct Comparison {
    std::string name;
    std::string peer;
    std::uint32_t bytes;      ///< a transfer
    std::uint32_t megabytes;  ///< of transfers between two looks at the clock
    std::optional<Target> target = std::nullopt;
};

constexpr std::uint32_t kMegabytes = 64;
/// So many that a second goes by: what is noted once between two checkpoints is noted in each.
constexpr std::uint32_t megabytes_of_a_second(std::uint32_t bytes) {
    return (bytes == kTransferBytesMax ? 80 : 16) * kMegabytes;
}

/// In turns: percent that `ours` takes more.
void compare(Report& report, const Options& options, const Comparison& what, const Transfers& ours,
             const Transfers& theirs) {
    const std::uint32_t count = (what.megabytes << 20U) / what.bytes;
    const int rounds =
        what.megabytes == kMegabytes ? options.repetitions(100, 40) : options.repetitions(10, 3);
    std::vector<double> overheads;
    std::vector<double> their_us;
    for (int i = 0; i < rounds; ++i) {
        // Who comes second may have it easier.
        std::uint64_t took_ns[2];
        for (const int turn : {i % 2, 1 - i % 2})
            took_ns[turn] = turn == 0 ? theirs(count) : ours(count);
        const auto their_ns = static_cast<double>(took_ns[0]);
        const auto our_ns = static_cast<double>(took_ns[1]);
        if (their_ns == 0 || our_ns == 0) throw std::runtime_error("a transfer failed");
        overheads.push_back((our_ns / their_ns - 1) * 100);
        their_us.push_back(their_ns / count / 1000);
    }
    report.add({fmt::format("{} KiB at a time: {}", what.bytes / 1024, what.name),
                "%",
                figure_of(overheads),
                {what.peer + ", us of CPU a call", median_of(their_us)},
                what.target});
}

Transfers by_guest(RunningVm& vm, std::uint32_t bytes) {
    return [&vm, bytes](std::uint32_t count) {
        return vm.ask_number(fmt::format("transfer {} {}", count, bytes));
    };
}

Transfers bare(const DataFile& data, std::uint32_t bytes) {
    return [file = data.descriptor(), bytes](std::uint32_t count) mutable {
        return transfer_by(move_bare, &file, count, bytes);
    };
}

/// A lease that this process holds.
struct LeasedFile {
    leases::LeaseManager& manager;
    leases::LeaseId id;

    static int move(void* with, int reads, void* buffer, std::uint32_t bytes, std::uint64_t at) {
        auto& [manager, id] = *static_cast<LeasedFile*>(with);
        auto service = manager.use(id);
        if (!service.ok()) return 0;
        auto& file = static_cast<leases::Descriptor&>(**service);
        const iovec piece{.iov_base = buffer, .iov_len = bytes};
        auto moved = reads != 0 ? file.read_at({&piece, 1}, at) : file.write_at({&piece, 1}, at);
        return moved.ok() && *moved == bytes ? 1 : 0;
    }
};

void measure_lease_of_file(Report& report, const Options& options, std::uint32_t bytes) {
    const DataFile data;
    Holder holder({}, kLeasesOfProgram);
    const auto directory = leases::HostDirectory::grant(
        {.grant = data.folder(), .path = {}, .on_resume = leases::OnResume::keep}, "/", nullptr);
    if (!directory.ok()) throw std::runtime_error(directory.error().message);
    auto opened = (*directory)->open("data", {.read = true, .write = true});
    if (!opened.ok()) throw std::runtime_error("the file can't be opened");
    LeasedFile file{holder.manager(), holder.manager().grant(std::move(*opened))};
    compare(
        report, options,
        {"by a lease, over a bare descriptor", "bare", bytes, kMegabytes, at_most(2)},
        [&](std::uint32_t count) { return transfer_by(LeasedFile::move, &file, count, bytes); },
        bare(data, bytes));
}

void measure_guest(Report& report, const Options& options, std::uint32_t bytes) {
    const DataFile data;
    const VmStore store;
    RunningVm vm = store.start({"run", "--dir", data.folder() + "::/", guest("transfers")});
    vm.read_line();
    compare(report, options, {"by a guest, over a native program", "native", bytes, kMegabytes},
            by_guest(vm, bytes), bare(data, bytes));
}

/// Two guests that are checkpointed each second: one below a grant that goes back.
void measure_rollback(Report& report, const Options& options, std::uint32_t bytes) {
    const VmStore store;
    const auto start = [&](const DataFile& data, const std::string& policy) {
        RunningVm vm = store.start({"run", "--name", policy, "--checkpoint-every", "1s", "--dir",
                                    data.folder() + "::/,on-resume=" + policy, guest("transfers")});
        vm.read_line();
        store.run({"checkpoint", policy});
        return vm;
    };
    const DataFile kept;
    const DataFile taken_back;
    RunningVm keeps = start(kept, "keep");
    RunningVm goes_back = start(taken_back, "rollback");
    compare(report, options,
            {"rollback over keep, checkpoints each second", "keep", bytes,
             megabytes_of_a_second(bytes), at_most(15)},
            by_guest(goes_back, bytes), by_guest(keeps, bytes));
}

void measure(Report& report, const Options& options) {
    measure_renewal(report, options, 10 * kSecondNs);
    measure_renewal(report, options, kSecondNs);
    measure_use(report, options);
    for (const std::uint32_t bytes : {std::uint32_t{4096}, std::uint32_t{kTransferBytesMax}}) {
        measure_lease_of_file(report, options, bytes);
        measure_guest(report, options, bytes);
        measure_rollback(report, options, bytes);
    }
}

}  // namespace

}  // namespace sojourn::bench

int main(int argument_count, char** arguments) {
    return sojourn::bench::run_benchmark(argument_count, arguments,
                                         "What does it cost that a guest holds leases?",
                                         sojourn::bench::measure);
}
