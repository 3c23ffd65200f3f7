#include "tools/vm/image_report.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/printable.hpp"
#include "heap/heap.hpp"
#include "process/attachment.hpp"
#include "process/saved_leases.hpp"
#include "tools/vm/lease_table.hpp"
#include "tools/vm/store_location.hpp"

namespace sojourn::tools {

namespace {

constexpr std::size_t kIdentityDigits = 12;

std::uint64_t plain(store::Version version) {
    return static_cast<std::uint64_t>(version);
}

class Collector final : public store::ImageVisitor {
public:
    Result<void> on_header(const store::ImageHeader& header) override {
        report.header = header;
        return {};
    }
    Result<void> on_module(const Sha256& digest, Bytes module) override {
        report.modules.push_back({digest, module.size()});
        return {};
    }
    Result<void> on_checkpoint(const store::ImageCheckpoint& checkpoint) override {
        report.checkpoints.push_back({checkpoint.info, {}, 0, 0});
        return {};
    }
    Result<void> on_units(std::vector<store::EncodedUnit> units) override {
        ImageReport::Checkpoint& checkpoint = report.checkpoints.back();
        checkpoint.units += units.size();
        for (const store::EncodedUnit& unit : units)
            checkpoint.unit_bytes += unit.value.size();
        return {};
    }
    Result<void> on_attachment(ByteVector attachment) override {
        ImageReport::Checkpoint& checkpoint = report.checkpoints.back();
        checkpoint.identity = store::checkpoint_identity(checkpoint.info.time_us, attachment);
        if (checkpoint.info.id == report.header.head) head_attachment = std::move(attachment);
        return {};
    }

    ImageReport report;
    ByteVector head_attachment;
};

/// `complete`, or what it is a difference from.
std::string completeness_of(const store::ImageHeader& header) {
    if (!header.base) return "complete";
    return fmt::format("a difference from checkpoint {} of {} ({})", plain(header.base->version),
                       rfc3339(header.base->time_us),
                       header.base->identity.hex().substr(0, kIdentityDigits));
}

std::vector<std::vector<Cell>> rows_of(const std::vector<ImageReport::Checkpoint>& checkpoints,
                                       store::Version head) {
    std::vector<std::vector<Cell>> rows;
    for (const auto& checkpoint : checkpoints) {
        const store::CheckpointInfo& info = checkpoint.info;
        const bool is_head = info.id == head;
        const bool is_first = info.parent == store::kNoVersion;
        rows.push_back(
            {{std::to_string(plain(info.id)), is_head ? Colour::green : Colour::none, true},
             {is_first ? "-" : std::to_string(plain(info.parent)), {}, true},
             {rfc3339(info.time_us)},
             {std::to_string(checkpoint.units), {}, true},
             {bytes_for_people(checkpoint.unit_bytes), {}, true},
             {checkpoint.identity.hex().substr(0, kIdentityDigits)},
             {checkpoint_words(info, head)}});
    }
    return rows;
}

Result<void> print_regions(const std::vector<heap::SavedRegion>& regions) {
    std::vector<std::vector<Cell>> rows;
    for (const heap::SavedRegion& region : regions) {
        rows.push_back({{std::to_string(static_cast<std::uint32_t>(region.id)), {}, true},
                        {std::string(heap::text_of(region.kind))},
                        {bytes_for_people(region.size_bytes), {}, true}});
    }
    return print_table({"REGION", "KIND", "SIZE"}, rows);
}

Result<void> print_modules(const ImageReport& report) {
    std::vector<std::vector<Cell>> rows;
    for (const Sha256& digest : report.modules_needed) {
        const auto found = std::ranges::find(report.modules, digest, &ImageReport::Module::digest);
        const bool is_there = found != report.modules.end();
        rows.push_back({{digest.hex()},
                        {is_there ? bytes_for_people(found->bytes) : "with the base", {}, true}});
    }
    return print_table({"MODULE", "SIZE"}, rows);
}

}  // namespace

Result<ImageReport> report_on_image(const store::ByteSource& source,
                                    const process::HostProcess& host) {
    Collector collector;
    collector.report.totals = TRY(store::read_image(source, collector));
    ImageReport report = std::move(collector.report);
    if (collector.head_attachment.empty()) return report;
    const Bytes stored = collector.head_attachment;
    report.regions = TRY(heap::saved_regions(stored));
    const Bytes committed = TRY(heap::committed_attachment(stored));
    report.modules_needed = TRY(process::decode_attachment(committed)).modules;
    const auto saved = TRY(process::SavedLeases::of(stored, host));
    report.leases = saved->leases().leases();
    return report;
}

Json json_of(const ImageReport& report) {
    const store::ImageHeader& header = report.header;
    Json object = new_json();
    object["format"] = header.format;
    object["image_bytes"] = report.totals.bytes;
    object["process"] = {{"name", header.process_name}, {"generation", header.generation}};
    object["unit_bytes"] = header.unit_bytes;
    object["head"] = plain(header.head);
    object["base"] = nullptr;
    if (header.base) {
        object["base"] = {{"checkpoint", plain(header.base->version)},
                          {"time", rfc3339(header.base->time_us)},
                          {"identity", header.base->identity.hex()}};
    }
    object["checkpoints"] = Json::array();
    for (const auto& checkpoint : report.checkpoints) {
        Json row = json_of(checkpoint.info);
        row["identity"] = checkpoint.identity.hex();
        row["units"] = checkpoint.units;
        row["unit_bytes"] = checkpoint.unit_bytes;
        object["checkpoints"].push_back(std::move(row));
    }
    object["regions"] = Json::array();
    for (const heap::SavedRegion& region : report.regions) {
        object["regions"].push_back({{"id", static_cast<std::uint32_t>(region.id)},
                                     {"kind", heap::text_of(region.kind)},
                                     {"bytes", region.size_bytes}});
    }
    object["modules"] = Json::array();
    for (const ImageReport::Module& module : report.modules)
        object["modules"].push_back({{"sha256", module.digest.hex()}, {"bytes", module.bytes}});
    object["modules_needed"] = Json::array();
    for (const Sha256& digest : report.modules_needed)
        object["modules_needed"].push_back(digest.hex());
    object["leases"] = Json::array();
    for (const leases::Lease& lease : report.leases)
        object["leases"].push_back(json_of(lease));
    return object;
}

Result<void> print_report(const ImageReport& report) {
    const store::ImageHeader& header = report.header;
    TRY(print_line(fmt::format(
        "{}, generation {}: {}, units of {}, image of format {}, {}",
        header.process_name.empty() ? "an unnamed process" : printable(header.process_name),
        header.generation, completeness_of(header), unit_text(header.unit_bytes), header.format,
        bytes_for_people(report.totals.bytes))));
    TRY(print_table({"ID", "FROM", "TIME", "UNITS", "BYTES", "IDENTITY", "MESSAGE"},
                    rows_of(report.checkpoints, header.head)));
    TRY(print_regions(report.regions));
    TRY(print_modules(report));
    return print_leases(report.leases);
}

}  // namespace sojourn::tools
