#include "store/store.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/random.hpp"
#include "bench/store.hpp"
#include "bench/support/plain_file.hpp"
#include "tests/support/temporary_folder.hpp"

/// How fast does the store take, give, check, carry and forget units?
namespace sojourn::bench {

namespace {

constexpr std::size_t kUnitBytes = store::kUnitBytesDefault;
constexpr double kMiB = 1048576;

/// Units [first, first + count) of a memory, full of noise.
std::vector<store::EncodedUnit> noisy_units(std::uint64_t first, std::size_t count) {
    std::vector<store::EncodedUnit> units;
    ByteVector raw(kUnitBytes);
    for (std::uint64_t index = first; index < first + count; ++index) {
        SystemRandom().fill(raw);
        units.push_back(store::encode_unit({store::RegionId{1}, store::UnitIndex{index}}, raw));
    }
    return units;
}

/// A process in a store of its own on the disk, to which versions are published.
class Publisher {
public:
    Publisher()
        : store_(need(store::Store::open(folder_.path() / "store", {}, random_))),
          process_(need(store_->create_process({.name = "bench"}))),
          family_(need(store_->family(process_.family))),
          token_(need(family_->acquire(process_.id, std::nullopt))) {}

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
    [[nodiscard]] store::Family& family() const { return *family_; }

    /// Makes the units one durable version. Milliseconds.
    double publish_ms(const std::vector<store::EncodedUnit>& units) {
        const std::uint64_t begin_ns = now_ns();
        store::Publication publication;
        publication.info.id = need(family_->reserve(token_));
        const std::span all(units);
        std::size_t staged = 0;
        for (; units.size() - staged > kUnitsAStage; staged += kUnitsAStage) {
            const auto some = all.subspan(staged, kUnitsAStage);
            need(family_->stage(token_, publication.info.id, some));
        }
        publication.units = all.subspan(staged);
        need(family_->publish(token_, publication));
        versions_.push_back(publication.info.id);
        return milliseconds_since(begin_ns);
    }
    /// What was published, oldest first.
    [[nodiscard]] const std::vector<store::Version>& versions() const { return versions_; }

private:
    static constexpr std::size_t kUnitsAStage = 512;  // 8 MiB, as the heap does

    tests::TemporaryFolder folder_;
    SystemRandom random_;
    std::unique_ptr<store::Store> store_;
    store::ProcessRecord process_;
    std::shared_ptr<store::Family> family_;
    store::FencingToken token_;
    std::vector<store::Version> versions_;
};

void measure_small_commits(Report& report, const Options& options) {
    Publisher publisher;
    PlainFile plain(publisher.folder() / "plain");
    std::vector<double> commits_ms;
    std::vector<double> plain_ms;
    for (int i = 0; i < options.repetitions(500, 100); ++i) {
        const auto unit = noisy_units(static_cast<std::uint64_t>(i) % 64, 1);
        commits_ms.push_back(publisher.publish_ms(unit));
        plain_ms.push_back(plain.append_noise_ms(kUnitBytes));
    }
    report.add({"commit of one unit of 16 KiB, durable",
                "ms",
                figure_of(commits_ms),
                {"16 KiB appended to a file, fdatasync", median_of(plain_ms)}});
}

/// The same units again and again, each time as a new version.
void measure_big_commits(Report& report, const Options& options, Publisher& publisher,
                         std::size_t count) {
    PlainFile plain(publisher.folder() / "plain");
    std::vector<double> unit_rates;
    std::vector<double> plain_rates;
    for (int i = 0; i < options.repetitions(5, 3); ++i) {
        const double took_ms = publisher.publish_ms(noisy_units(0, count));
        const double plain_ms = plain.append_noise_ms(count * kUnitBytes);
        unit_rates.push_back(static_cast<double>(count) * 1e3 / took_ms);
        plain_rates.push_back(static_cast<double>(count) * 1e3 / plain_ms);
    }
    report.add({fmt::format("durable units of 16 KiB a second, {} at once", count),
                "units/s",
                figure_of(unit_rates, Better::higher),
                {"appended to a plain file, fdatasync", median_of(plain_rates)}});
}

void measure_reading(Report& report, Publisher& publisher, std::size_t count) {
    const auto view = need(publisher.family().view_of(publisher.versions().back()));
    ByteVector raw(kUnitBytes);
    std::vector<double> reads_us;
    for (std::uint64_t index = 0; index < count; ++index) {
        const store::UnitKey key{store::RegionId{1}, store::UnitIndex{index * 5 % count}};
        const std::uint64_t begin_ns = now_ns();
        need(publisher.family().read_unit(view, key, raw));
        reads_us.push_back(milliseconds_since(begin_ns) * 1e3);
    }
    report.add({"reading one unit, warm", "us", figure_of(reads_us)});
}

void measure_verifying(Report& report, Publisher& publisher, std::size_t count) {
    const std::uint64_t begin_ns = now_ns();
    const auto findings = need(publisher.family().verify());
    const double took_ms = milliseconds_since(begin_ns);
    if (!findings.empty()) throw std::runtime_error("verify: " + findings.front());
    const std::size_t bytes = publisher.versions().size() * count * kUnitBytes;
    const double rate = static_cast<double>(bytes) / kMiB * 1e3 / took_ms;
    report.add({"verifying all values", "MiB/s", figure_of({rate}, Better::higher)});
}

void measure_pruning(Report& report, Publisher& publisher, std::size_t count) {
    std::vector<double> rates;
    for (const store::Version version : publisher.versions()) {
        if (version == publisher.versions().back()) break;  // the head stays
        const std::uint64_t begin_ns = now_ns();
        need(publisher.family().remove_checkpoint(version));
        rates.push_back(static_cast<double>(count) * 1e3 / milliseconds_since(begin_ns));
    }
    report.add({"pruning a checkpoint", "units/s", figure_of(rates, Better::higher)});
}

/// What a checkpoint of a few units, each elsewhere, adds to the files besides the units.
void measure_growth(Report& report, const Options& options) {
    const VmStore store;
    RunningVm vm = store.start({"run", "--name", "guest", guest("commanded"), "256"});
    vm.read_line();
    store.run({"checkpoint", "guest"});
    const auto before = static_cast<double>(store.bytes_on_disk());
    const int count = options.repetitions(50, 10);
    for (int i = 0; i < count; ++i) {
        vm.ask("scattered 64");
        store.run({"checkpoint", "guest"});
    }
    const auto log = store.log("guest");
    std::vector<double> written_kib;
    for (auto row = log.end() - count; row != log.end(); ++row)
        written_kib.push_back((*row)["written_bytes"].get<double>() / 1024);
    const double growth_kib = (static_cast<double>(store.bytes_on_disk()) - before) / 1024 / count;
    Figure figure = figure_of(written_kib);
    figure.value = figure.p99 = growth_kib;
    report.add({"growth by a checkpoint of 64 scattered pages (mean)",
                "KiB",
                figure,
                {"written_bytes of vm log", median_of(written_kib)}});
}

void measure(Report& report, const Options& options) {
    measure_small_commits(report, options);
    const std::size_t count = options.quick ? 2048 : 8192;
    Publisher publisher;
    measure_big_commits(report, options, publisher, count);
    measure_reading(report, publisher, count);
    measure_verifying(report, publisher, count);
    measure_pruning(report, publisher, count);
    measure_growth(report, options);
    measure_images(report, options);
}

}  // namespace

}  // namespace sojourn::bench

int main(int argument_count, char** arguments) {
    return sojourn::bench::run_benchmark(argument_count, arguments,
                                         "How fast does the store take, give and carry units?",
                                         sojourn::bench::measure);
}
