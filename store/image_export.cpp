#include "store/image.hpp"
#include "store/internal/blob.hpp"
#include "store/internal/image_format.hpp"

namespace sojourn::store {

namespace {

Result<void> write_header(ImageWriter& image, const Store& store, const ProcessRecord& process,
                          const CheckpointInfo& checkpoint) {
    ImageHeader header;
    header.unit_bytes = static_cast<std::uint32_t>(store.unit_bytes());
    header.generation = process.generation;
    header.process_name = process.name;
    header.checkpoint = checkpoint;
    return image.frame(FrameType::header, encode_image_header(header));
}

Result<void> write_module(ImageWriter& image, const Store& store, const Sha256& digest) {
    ByteWriter payload;
    payload.put(digest.bytes);
    payload.put_bytes(encode_blob(TRY(store.module(digest))));
    return image.frame(FrameType::module, payload.view());
}

/// Collects encoded units into frames of some megabytes.
class UnitFrames {
public:
    UnitFrames(ImageWriter& image, std::size_t unit_bytes) : image_(image), unit_(unit_bytes) {}

    Result<void> add(UnitKey key, Bytes value) {
        // A damaged unit is named here, where the other checkpoints still are.
        TRY(decode_unit(key, value, unit_));
        payload_.put(key.region);
        payload_.put(key.unit);
        payload_.put_sized(value);
        ++count_;
        if (payload_.size() >= kUnitsFrameBytes) return flush();
        return {};
    }

    Result<void> flush() {
        if (payload_.size() == 0) return {};
        const ByteVector payload = payload_.take();
        payload_ = {};
        return image_.frame(FrameType::units, payload);
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }

private:
    ImageWriter& image_;
    ByteVector unit_;
    ByteWriter payload_;
    std::uint64_t count_ = 0;
};

}  // namespace

Result<ImageSummary> export_image(Store& store, const ProcessRecord& process, Version checkpoint,
                                  std::span<const Sha256> modules, const ByteSink& sink) {
    const auto family = TRY(store.family(process.family));
    const View view = TRY(family->view_of(checkpoint));
    ImageSummary summary;
    summary.process = process;
    summary.checkpoint = TRY(family->checkpoint(checkpoint));

    ImageWriter image(sink);
    TRY(image.begin());
    TRY(write_header(image, store, process, summary.checkpoint));
    for (const Sha256& digest : modules)
        TRY(write_module(image, store, digest));
    UnitFrames units(image, store.unit_bytes());
    TRY(family->for_each_unit(view,
                              [&](UnitKey key, Bytes value) { return units.add(key, value); }));
    TRY(units.flush());
    const ByteVector attachment = TRY(family->read_attachment(checkpoint));
    TRY(image.frame(FrameType::attachment, encode_blob(attachment)));
    TRY(image.end(modules.size(), units.count()));
    summary.unit_count = units.count();
    summary.image_bytes = image.bytes();
    return summary;
}

}  // namespace sojourn::store
