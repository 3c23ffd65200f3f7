#include <map>
#include <optional>

#include "base/background_job.hpp"
#include "store/image.hpp"
#include "store/internal/blob.hpp"
#include "store/internal/image_format.hpp"
#include "store/internal/image_target.hpp"

namespace sojourn::store {

namespace {

/// Takes in what an image shows, and keeps it out of sight until finish() where it can.
class Importer final : public ImageVisitor {
public:
    Importer(Store& store, const ImportOptions& options) : store_(store), options_(options) {}

    Result<ImportSummary> run(const ByteSource& source);

    Result<void> on_header(const ImageHeader& header) override;
    Result<void> on_module(const Sha256& digest, Bytes module) override;
    Result<void> on_checkpoint(const ImageCheckpoint& checkpoint) override;
    Result<void> on_units(std::vector<EncodedUnit> units) override;
    Result<void> on_attachment(ByteVector attachment) override;

private:
    Result<ByteVector> module(const Sha256& digest) const;
    void note_tags(const CheckpointInfo& info);
    Result<void> settle();
    Result<ImportSummary> finish(const ImageTotals& totals);

    Store& store_;
    const ImportOptions& options_;
    ImageHeader header_;
    std::unique_ptr<ImageTarget> target_;
    std::map<Version, Version> here_;       ///< the image's numbers ► the store's
    std::optional<CheckpointInfo> adding_;  ///< nullopt: the one that is read is here already
    std::vector<std::pair<Version, std::string>> tags_;  ///< of the store's checkpoints
    std::map<Sha256, ByteVector> modules_;               ///< compressed; they enter the store last
    std::uint64_t modules_bytes_ = 0;
    std::uint64_t added_ = 0;
    BackgroundJob staging_;  ///< the last, as it uses what is above
};

Result<void> Importer::on_header(const ImageHeader& header) {
    header_ = header;
    if (header.unit_bytes != store_.unit_bytes()) {
        return fail(ErrorCode::unsupported,
                    "the image has units of {}K and the store of {}K: make a store for it with "
                    "vm store init --unit {}K DIR, and import it there",
                    header.unit_bytes / 1024, store_.unit_bytes() / 1024, header.unit_bytes / 1024);
    }
    if (!header.base) {
        target_ = TRY(make_new_target(store_, header, options_));
        return {};
    }
    auto found = TRY(find_base(store_, header, options_));
    here_[header.base->version] = found.base;
    target_ = std::move(found.target);
    return {};
}

Result<void> Importer::on_module(const Sha256& digest, Bytes module) {
    ByteVector blob = encode_blob(module);
    modules_bytes_ += blob.size();
    modules_[digest] = std::move(blob);
    if (modules_bytes_ > kBlobBytesMax) return damaged_image("its modules are impossibly long");
    return {};
}

void Importer::note_tags(const CheckpointInfo& info) {
    for (const std::string& tag : info.tags)
        tags_.emplace_back(here_.at(info.id), tag);
}

Result<void> Importer::on_checkpoint(const ImageCheckpoint& checkpoint) {
    adding_.reset();
    if (checkpoint.identity) {
        const auto known = TRY(target_->find(checkpoint.info.time_us, *checkpoint.identity));
        if (known) {
            here_[checkpoint.info.id] = *known;
            note_tags(checkpoint.info);
            return {};
        }
    }
    const Version parent = checkpoint.info.parent;
    const Version here = TRY(target_->begin(parent == kNoVersion ? parent : here_.at(parent)));
    adding_ = checkpoint.info;
    adding_->id = here;
    here_[checkpoint.info.id] = here;
    note_tags(checkpoint.info);
    return {};
}

Result<void> Importer::on_units(std::vector<EncodedUnit> units) {
    if (!adding_) return {};
    return staging_.begin([this, version = adding_->id,
                           kept = std::make_shared<const std::vector<EncodedUnit>>(
                               std::move(units))] { return target_->stage(version, *kept); });
}

Result<void> Importer::on_attachment(ByteVector attachment) {
    if (!adding_) return {};
    TRY(staging_.finish());
    ++added_;
    return target_->publish(*adding_, attachment);
}

Result<ByteVector> Importer::module(const Sha256& digest) const {
    const auto found = modules_.find(digest);
    if (found == modules_.end()) return store_.module(digest);
    return decode_blob(found->second, "a module in the image");
}

Result<void> Importer::settle() {
    // Who has it all may have gone on from there.
    if (added_ == 0) return {};
    const FencingToken token = TRY(target_->settle(here_.at(header_.head)));
    if (!options_.check) return {};
    return options_.check(target_->family(), token,
                          [this](const Sha256& digest) { return module(digest); });
}

Result<ImportSummary> Importer::finish(const ImageTotals& totals) {
    TRY(settle());
    for (const auto& [digest, blob] : modules_) {
        const ByteVector module = TRY(decode_blob(blob, "a module in the image"));
        TRY(store_.put_module(module));
    }
    for (const auto& [checkpoint, name] : tags_)
        TRY(target_->tag(checkpoint, name));
    ImportSummary summary;
    summary.process = TRY(target_->finish());
    summary.checkpoints_added = added_;
    summary.image = totals;
    return summary;
}

Result<ImportSummary> Importer::run(const ByteSource& source) {
    const auto totals = read_image(source, *this);
    auto summary = totals.ok() ? finish(*totals) : Result<ImportSummary>(totals.error());
    if (summary.ok() || target_ == nullptr) return summary;
    static_cast<void>(staging_.finish());
    const auto taken_back = target_->take_back();
    if (taken_back.ok()) return summary;
    return fail(summary.error().code, "{}; what had come in could not be taken back: {}",
                summary.error().message, taken_back.error().message);
}

}  // namespace

Result<ImportSummary> import_image(Store& store, const ByteSource& source,
                                   const ImportOptions& options) {
    return Importer(store, options).run(source);
}

}  // namespace sojourn::store
