#include <algorithm>
#include <map>

#include "store/difference.hpp"
#include "store/image.hpp"
#include "store/internal/blob.hpp"
#include "store/internal/image_format.hpp"
#include "store/internal/keys.hpp"
#include "store/internal/unit_check.hpp"

namespace sojourn::store {

namespace {

/// Collects encoded units into frames of some megabytes.
class UnitFrames {
public:
    explicit UnitFrames(ImageWriter& image) : image_(image) {}

    Result<void> add(UnitKey key, Bytes value) {
        // A damaged unit is named here, where the other checkpoints still are.
        TRY(check_unit(key, value));
        payload_.put(key.region);
        payload_.put(key.unit);
        payload_.put_sized(value);
        ++count_;
        return payload_.size() < kUnitsFrameBytes ? Result<void>() : flush();
    }

    Result<void> flush() {
        if (payload_.size() == 0) return {};
        return image_.frame(FrameType::units, std::exchange(payload_, {}).take());
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }

private:
    ImageWriter& image_;
    ByteWriter payload_;
    std::uint64_t count_ = 0;
};

/// Writes what `content` names.
class Exporter {
public:
    Exporter(Store& store, const ProcessRecord& process, const ImageContent& content,
             const ByteSink& sink)
        : store_(store), process_(process), content_(content), image_(sink), units_(image_) {}

    Result<ExportSummary> run();

private:
    Result<void> write_header();
    Result<void> write_module(const Sha256& digest);
    Result<void> write_checkpoint(Version id);
    Result<void> write_units(const CheckpointInfo& info);
    [[nodiscard]] Version origin_of(Version checkpoint) const;

    Store& store_;
    const ProcessRecord& process_;
    const ImageContent& content_;
    ImageWriter image_;
    UnitFrames units_;
    std::shared_ptr<Family> family_;
    std::map<Version, Version> parents_;  ///< of all checkpoints of the process
};

Result<void> Exporter::write_header() {
    ImageHeader header;
    header.unit_bytes = static_cast<std::uint32_t>(store_.unit_bytes());
    header.generation = process_.generation;
    header.process_name = process_.name;
    header.head = content_.head;
    if (content_.base != kNoVersion) {
        const auto base = TRY(family_->checkpoint(content_.base));
        const auto identity = TRY(checkpoint_identity(*family_, content_.base));
        header.base = {base.id, base.time_us, identity};
    }
    return image_.frame(FrameType::header, encode_image_header(header));
}

Result<void> Exporter::write_module(const Sha256& digest) {
    ByteWriter payload;
    payload.put(digest.bytes);
    payload.put_bytes(encode_blob(TRY(store_.module(digest))));
    return image_.frame(FrameType::module, payload.take());
}

/// What a checkpoint is written as a difference from: the nearest it grew out of, else the first
/// that the receiver will have.
Version Exporter::origin_of(Version checkpoint) const {
    const auto& chosen = content_.checkpoints;
    for (auto at = parents_.find(checkpoint); at != parents_.end();
         at = parents_.find(at->second)) {
        const Version parent = at->second;
        if (parent == kNoVersion || parent >= at->first) break;
        if (parent == content_.base || std::ranges::binary_search(chosen, parent)) return parent;
    }
    if (content_.base != kNoVersion) return content_.base;
    return checkpoint == chosen.front() ? kNoVersion : chosen.front();
}

Result<void> Exporter::write_units(const CheckpointInfo& info) {
    const auto add = [this](UnitKey key, Bytes value) { return units_.add(key, value); };
    if (info.parent != kNoVersion) {
        TRY(for_each_difference(*family_, info.parent, info.id, add));
    } else {
        const View view = TRY(family_->view_of(info.id));
        TRY(family_->for_each_unit(view, add));
    }
    return units_.flush();
}

Result<void> Exporter::write_checkpoint(Version id) {
    ImageCheckpoint checkpoint;
    checkpoint.info = TRY(family_->checkpoint(id));
    checkpoint.info.parent = origin_of(id);
    if (checkpoint.info.tags.size() > kImageTagsMax) {
        return fail(ErrorCode::unsupported,
                    "checkpoint {} has {} tags, and an image takes {}: vm tag --delete", plain(id),
                    checkpoint.info.tags.size(), kImageTagsMax);
    }
    const ByteVector attachment = TRY(family_->read_attachment(id));
    checkpoint.identity = checkpoint_identity(checkpoint.info.time_us, attachment);
    TRY(image_.frame(FrameType::checkpoint, encode_image_checkpoint(checkpoint)));
    TRY(write_units(checkpoint.info));
    return image_.frame(FrameType::attachment, encode_blob(attachment));
}

Result<ExportSummary> Exporter::run() {
    family_ = TRY(store_.family(process_.family));
    for (const CheckpointInfo& info : TRY(family_->checkpoints(process_.id)))
        parents_[info.id] = info.parent;
    for (const Version id : content_.checkpoints)
        TRY(family_->checkpoint(id));
    TRY(image_.begin());
    TRY(write_header());
    for (const Sha256& digest : content_.modules)
        TRY(write_module(digest));
    for (const Version id : content_.checkpoints)
        TRY(write_checkpoint(id));
    TRY(image_.end({content_.modules.size(), units_.count(), content_.checkpoints.size()}));
    return ExportSummary{units_.count(), image_.bytes()};
}

}  // namespace

Result<ExportSummary> export_image(Store& store, const ProcessRecord& process,
                                   const ImageContent& content, const ByteSink& sink) {
    EXPECTS(!content.checkpoints.empty(), "an image has a checkpoint");
    EXPECTS(std::ranges::is_sorted(content.checkpoints), "checkpoints go by id");
    return Exporter(store, process, content, sink).run();
}

}  // namespace sojourn::store
