#include <algorithm>
#include <set>

#include "store/image.hpp"
#include "store/internal/blob.hpp"
#include "store/internal/image_format.hpp"
#include "store/internal/keys.hpp"

namespace sojourn::store {

namespace {

/// Goes through the frames of one image and checks what each must be by those before it.
class ImageWalk {
public:
    ImageWalk(const ByteSource& source, ImageVisitor& visitor)
        : image_(source), visitor_(visitor) {}

    Result<ImageTotals> run();

private:
    Result<void> read_header();
    Result<void> take(Frame frame);
    Result<void> take_module(Bytes payload);
    Result<void> begin_checkpoint(const ImageCheckpoint& checkpoint);
    Result<void> take_units(Bytes payload);
    Result<void> take_attachment(Bytes payload);
    Result<void> check_lineage(const CheckpointInfo& info) const;

    ImageReader image_;
    ImageVisitor& visitor_;
    std::uint32_t format_ = 0;
    ImageHeader header_;
    ByteVector unit_;  ///< what a unit decodes to
    FrameType last_type_ = FrameType::header;
    ImageCheckpoint checkpoint_;        ///< the one that is being read
    std::optional<UnitKey> last_unit_;  ///< of it
    std::set<Version> known_;           ///< the base, and what has been read
    ImageTotals totals_;
};

Result<ImageTotals> ImageWalk::run() {
    format_ = TRY(image_.begin());
    TRY(read_header());
    for (;;) {
        Frame frame = TRY(image_.next());
        if (!may_follow(format_, last_type_, frame.type)) {
            return damaged_image("its parts are out of order");
        }
        last_type_ = frame.type;
        if (frame.type == FrameType::end) {
            TRY(image_.end(frame, {totals_.modules, totals_.units, totals_.checkpoints}));
            break;
        }
        TRY(take(std::move(frame)));
    }
    if (!known_.contains(header_.head)) return damaged_image("its head is not in it");
    totals_.bytes = image_.bytes();
    return totals_;
}

Result<void> ImageWalk::read_header() {
    const Frame frame = TRY(image_.next());
    if (frame.type != FrameType::header) return damaged_image("it does not begin with a header");
    ImageCheckpoint only;
    if (format_ == kImageFormatOldest) {
        auto first = TRY(decode_first_format_header(frame.payload));
        header_ = std::move(first.header);
        only = std::move(first.checkpoint);
    } else {
        header_ = TRY(decode_image_header(frame.payload));
    }
    header_.format = format_;
    if (!is_unit_bytes(header_.unit_bytes)) return damaged_image("its units have no size there is");
    unit_.resize(header_.unit_bytes);
    if (header_.base) known_.insert(header_.base->version);
    TRY(visitor_.on_header(header_));
    return format_ == kImageFormatOldest ? begin_checkpoint(only) : Result<void>();
}

Result<void> ImageWalk::take(Frame frame) {
    switch (frame.type) {
        case FrameType::module:
            return take_module(frame.payload);
        case FrameType::checkpoint: {
            const auto checkpoint = TRY(decode_image_checkpoint(format_, frame.payload));
            return begin_checkpoint(checkpoint);
        }
        case FrameType::units:
            return take_units(frame.payload);
        case FrameType::attachment:
            return take_attachment(frame.payload);
        case FrameType::header:
        case FrameType::end:
            break;
    }
    return damaged_image("its parts are out of order");
}

Result<void> ImageWalk::take_module(Bytes payload) {
    ByteReader reader(payload, "a module in the image");
    Sha256 digest;
    digest.bytes = TRY(reader.get<decltype(Sha256::bytes)>());
    const Bytes blob = TRY(reader.get_bytes(reader.left()));
    const ByteVector module = TRY(decode_blob(blob, "a module in the image"));
    if (sha256_of(module) != digest) return damaged_image("a module does not have its digest");
    ++totals_.modules;
    return visitor_.on_module(digest, module);
}

/// Only the first of a complete image is not a difference.
Result<void> ImageWalk::check_lineage(const CheckpointInfo& info) const {
    if (info.id == kNoVersion || (!known_.empty() && info.id <= *known_.rbegin())) {
        return damaged_image("its checkpoints are out of order");
    }
    const bool is_known = known_.empty() ? info.parent == kNoVersion : known_.contains(info.parent);
    if (!is_known) return damaged_image("a checkpoint grows out of one that is not in it");
    return {};
}

Result<void> ImageWalk::begin_checkpoint(const ImageCheckpoint& checkpoint) {
    TRY(check_lineage(checkpoint.info));
    checkpoint_ = checkpoint;
    last_unit_.reset();
    known_.insert(checkpoint.info.id);
    ++totals_.checkpoints;
    return visitor_.on_checkpoint(checkpoint);
}

Result<void> ImageWalk::take_units(Bytes payload) {
    ByteReader reader(payload, "the units in the image");
    std::vector<EncodedUnit> units;
    while (reader.left() > 0) {
        UnitKey key;
        key.region = TRY(reader.get<RegionId>());
        key.unit = TRY(reader.get<UnitIndex>());
        const Bytes value = TRY(reader.get_sized());
        if (last_unit_ && key <= *last_unit_) return damaged_image("its units are out of order");
        TRY(decode_unit(key, value, unit_));
        units.push_back({key, ByteVector(value.begin(), value.end())});
        last_unit_ = key;
    }
    totals_.units += units.size();
    return visitor_.on_units(std::move(units));
}

Result<void> ImageWalk::take_attachment(Bytes payload) {
    ByteVector attachment = TRY(decode_blob(payload, "the machine state in the image"));
    const Sha256 identity = checkpoint_identity(checkpoint_.info.time_us, attachment);
    if (checkpoint_.identity && *checkpoint_.identity != identity) {
        return damaged_image("a checkpoint is not the one it says it is");
    }
    return visitor_.on_attachment(std::move(attachment));
}

}  // namespace

Result<ImageTotals> read_image(const ByteSource& source, ImageVisitor& visitor) {
    return ImageWalk(source, visitor).run();
}

}  // namespace sojourn::store
