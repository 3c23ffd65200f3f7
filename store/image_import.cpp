#include <optional>

#include "store/image.hpp"
#include "store/internal/blob.hpp"
#include "store/internal/image_format.hpp"

namespace sojourn::store {

namespace {

/// Takes the frames of one image in and keeps what they made out of sight until finish().
class Importer {
public:
    Importer(Store& store, const ByteSource& source)
        : store_(store), image_(source), unit_(store.unit_bytes()) {}

    Result<void> read_header(const std::string& name);
    Result<void> read_body();
    Result<ImageSummary> finish();

private:
    Result<void> take(const Frame& frame);
    Result<void> take_module(Bytes payload);
    Result<void> take_units(Bytes payload);

    Store& store_;
    ImageReader image_;
    ByteVector unit_;
    ImageHeader header_;
    std::unique_ptr<ProcessDraft> draft_;
    std::shared_ptr<Family> family_;
    FencingToken token_;
    Version version_ = kNoVersion;
    FrameType last_type_ = FrameType::header;
    std::optional<UnitKey> last_unit_;
    std::uint64_t unit_count_ = 0;
    std::vector<ByteVector> modules_;  ///< compressed; they enter the store last
    std::uint64_t modules_bytes_ = 0;
    ByteVector attachment_;
};

Result<void> Importer::read_header(const std::string& name) {
    TRY(image_.begin());
    const Frame frame = TRY(image_.next());
    if (frame.type != FrameType::header) return damaged_image("it does not begin with a header");
    header_ = TRY(decode_image_header(frame.payload));
    if (header_.unit_bytes != store_.unit_bytes()) {
        return fail(ErrorCode::unsupported,
                    "the image has units of {}K and the store of {}K: make a store for it with "
                    "vm store init --unit {}K DIR, and import it there",
                    header_.unit_bytes / 1024, store_.unit_bytes() / 1024,
                    header_.unit_bytes / 1024);
    }
    NewProcess process;
    process.name = name.empty() ? header_.process_name : name;
    process.generation = header_.generation + 1;
    draft_ = TRY(store_.draft_process(process));
    family_ = draft_->family();
    token_ = TRY(family_->acquire(draft_->record().id, std::nullopt));
    version_ = TRY(family_->reserve(token_));
    return {};
}

Result<void> Importer::read_body() {
    for (;;) {
        const Frame frame = TRY(image_.next());
        if (frame.type < last_type_) return damaged_image("its parts are out of order");
        if (frame.type == FrameType::end) {
            if (last_type_ != FrameType::attachment)
                return damaged_image("it has no machine state");
            return image_.end(frame, modules_.size(), unit_count_);
        }
        TRY(take(frame));
        last_type_ = frame.type;
    }
}

Result<void> Importer::take(const Frame& frame) {
    switch (frame.type) {
        case FrameType::module:
            return take_module(frame.payload);
        case FrameType::units:
            return take_units(frame.payload);
        case FrameType::attachment:
            if (last_type_ == FrameType::attachment)
                return damaged_image("it has two machine states");
            attachment_ = TRY(decode_blob(frame.payload, "the machine state in the image"));
            return {};
        case FrameType::header:
        case FrameType::end:
            break;
    }
    return damaged_image("its parts are out of order");
}

Result<void> Importer::take_module(Bytes payload) {
    ByteReader reader(payload, "a module in the image");
    Sha256 digest;
    digest.bytes = TRY(reader.get<decltype(Sha256::bytes)>());
    const Bytes blob = TRY(reader.get_bytes(reader.left()));
    const ByteVector module = TRY(decode_blob(blob, "a module in the image"));
    if (sha256_of(module) != digest) return damaged_image("a module does not have its digest");
    modules_bytes_ += blob.size();
    if (modules_bytes_ > kBlobBytesMax) return damaged_image("its modules are impossibly long");
    modules_.emplace_back(blob.begin(), blob.end());
    return {};
}

Result<void> Importer::take_units(Bytes payload) {
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
    unit_count_ += units.size();
    return family_->stage(token_, version_, units);
}

Result<ImageSummary> Importer::finish() {
    Publication publication;
    publication.info = header_.checkpoint;
    publication.info.id = version_;
    publication.attachment = attachment_;
    publication.state_after = ProcessState::suspended;
    TRY(family_->publish(token_, publication));
    for (const ByteVector& blob : modules_) {
        const ByteVector module = TRY(decode_blob(blob, "a module in the image"));
        TRY(store_.put_module(module));
    }
    TRY(draft_->publish());
    ImageSummary summary;
    summary.process = TRY(family_->process(token_.process));
    summary.checkpoint = TRY(family_->checkpoint(version_));
    summary.unit_count = unit_count_;
    summary.image_bytes = image_.bytes();
    return summary;
}

}  // namespace

Result<ImageSummary> import_image(Store& store, const ByteSource& source, const std::string& name) {
    Importer importer(store, source);
    TRY(importer.read_header(name));
    TRY(importer.read_body());
    return importer.finish();
}

}  // namespace sojourn::store
