#include <fstream>

#include <fmt/format.h>
#include <zstd.h>

#include "base/random.hpp"
#include "bench/store.hpp"
#include "bench/support/plain_file.hpp"
#include "store/store.hpp"

namespace sojourn::bench {

namespace {

/// Makes the process `guest`, whose memory has been filled by `command`.
void make_guest(const VmStore& store, const std::string& command, int mebibytes) {
    RunningVm vm =
        store.start({"run", "--name", "guest", guest("commanded"), std::to_string(mebibytes + 16)});
    vm.read_line();
    vm.ask(fmt::format("{} {}", command, mebibytes * 256));
    store.run({"checkpoint", "guest"});
}

/// Every unit of the head of `guest`, one behind the other.
ByteVector memory_of_guest(const VmStore& store) {
    SystemRandom random;
    const auto opened =
        need(store::Store::open(store.location().native(), {.create = false}, random));
    const auto process = need(opened->find_process("guest"));
    const auto family = need(opened->family(process.family));
    const auto view = need(family->view_of(process.head));
    ByteVector memory;
    ByteVector unit(opened->unit_bytes());
    need(family->for_each_unit(view, [&](store::UnitKey key, Bytes value) -> Result<void> {
        TRY(store::decode_unit(key, value, unit));
        memory.insert(memory.end(), unit.begin(), unit.end());
        return {};
    }));
    return memory;
}

/// Milliseconds that `zstd -1` takes, without a disk.
double compress_ms(Bytes memory) {
    ByteVector compressed(ZSTD_compressBound(memory.size()));
    const std::uint64_t begin_ns = now_ns();
    const std::size_t size =
        ZSTD_compress(compressed.data(), compressed.size(), memory.data(), memory.size(), 1);
    if (ZSTD_isError(size) != 0) throw std::runtime_error(ZSTD_getErrorName(size));
    return milliseconds_since(begin_ns);
}

struct Rates {
    std::vector<double> exported;
    std::vector<double> imported;
    std::vector<double> peer;
};

void add_rows(Report& report, const Rates& rates, const std::string& what, const std::string& peer,
              std::optional<Target> target) {
    const Peer beside{peer, median_of(rates.peer)};
    report.add({"vm export of " + what, "MiB/s", figure_of(rates.exported, Better::higher), beside,
                target});
    report.add({"vm import of " + what, "MiB/s", figure_of(rates.imported, Better::higher), beside,
                target});
}

/// Exports and imports `store`'s guest, in turns with `peer_ms`.
Rates rates_of(const VmStore& store, const Options& options, double mebibytes,
               const std::function<double()>& peer_ms) {
    const std::string image = store.folder() / "image";
    Rates rates;
    for (int i = 0; i < options.repetitions(5, 2); ++i) {
        std::uint64_t begin_ns = now_ns();
        store.run({"export", "guest", "-o", image});
        rates.exported.push_back(mebibytes * 1e3 / milliseconds_since(begin_ns));
        const std::string copy = fmt::format("copy{}", i);
        begin_ns = now_ns();
        store.run({"import", image, "--name", copy});
        rates.imported.push_back(mebibytes * 1e3 / milliseconds_since(begin_ns));
        store.run({"rm", copy});
        rates.peer.push_back(mebibytes * 1e3 / peer_ms());
    }
    return rates;
}

}  // namespace

void measure_images(Report& report, const Options& options) {
    const int mebibytes = options.quick ? 64 : 256;
    {
        const VmStore store;
        make_guest(store, "noise", mebibytes);
        PlainFile plain(store.folder() / "plain");
        const auto bytes = static_cast<std::size_t>(mebibytes) << 20U;
        const auto rates =
            rates_of(store, options, mebibytes, [&] { return plain.overwrite_ms(bytes); });
        add_rows(report, rates, fmt::format("{} MiB of noise", mebibytes), "plain file, fdatasync",
                 {});
    }
    const VmStore store;
    make_guest(store, "records", mebibytes);
    const ByteVector memory = memory_of_guest(store);
    const double memory_mib = static_cast<double>(memory.size()) / kMiB;
    const auto rates = rates_of(store, options, memory_mib, [&] { return compress_ms(memory); });
    const double peer_rate = median_of(rates.peer);
    add_rows(report, rates, fmt::format("{} MiB of records", mebibytes), "zstd -1 in memory",
             at_least(0.7 * peer_rate));
}

}  // namespace sojourn::bench
