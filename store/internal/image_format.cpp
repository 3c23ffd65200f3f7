#include "store/internal/image_format.hpp"

#include <algorithm>

namespace sojourn::store {

namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

std::uint64_t checksum_of_frame(FrameType type, Bytes payload) {
    return checksum_of(payload, static_cast<std::uint64_t>(type));
}

/// The longest payload of a type: what a reader may have to hold.
std::uint64_t payload_bytes_max(FrameType type) {
    switch (type) {
        case FrameType::header:
        case FrameType::end:
            return std::uint64_t{1} << 20;
        case FrameType::units:
            return 2 * kUnitsFrameBytes;
        case FrameType::module:
        case FrameType::attachment:
            return std::uint64_t{1} << 30;
    }
    return 0;
}

}  // namespace

Error damaged_image(const char* how) {
    return fail(ErrorCode::corrupt,
                "the image is damaged: {}; take another copy of it, or export it again", how);
}

ByteVector encode_image_header(const ImageHeader& header) {
    ByteWriter writer;
    writer.put(header.unit_bytes);
    writer.put(header.generation);
    writer.put_sized(header.process_name);
    writer.put(header.checkpoint.id);
    writer.put(header.checkpoint.time_us);
    writer.put(header.checkpoint.dirty_pages);
    writer.put(header.checkpoint.written_bytes);
    writer.put(header.checkpoint.pause_us);
    writer.put(header.checkpoint.durable_us);
    writer.put_sized(header.checkpoint.message);
    return writer.take();
}

Result<ImageHeader> decode_image_header(Bytes payload) {
    ByteReader reader(payload, "the header of the image");
    ImageHeader header;
    header.unit_bytes = TRY(reader.get<std::uint32_t>());
    header.generation = TRY(reader.get<std::uint64_t>());
    header.process_name = TRY(reader.get_string());
    header.checkpoint.id = TRY(reader.get<Version>());
    header.checkpoint.time_us = TRY(reader.get<std::uint64_t>());
    header.checkpoint.dirty_pages = TRY(reader.get<std::uint64_t>());
    header.checkpoint.written_bytes = TRY(reader.get<std::uint64_t>());
    header.checkpoint.pause_us = TRY(reader.get<std::uint64_t>());
    header.checkpoint.durable_us = TRY(reader.get<std::uint64_t>());
    header.checkpoint.message = TRY(reader.get_string());
    TRY(reader.expect_end());
    return header;
}

Result<void> ImageWriter::write(Bytes bytes) {
    TRY(sink_(bytes));
    checksum_.add(bytes);
    bytes_ += bytes.size();
    return {};
}

Result<void> ImageWriter::begin() {
    ByteWriter writer;
    writer.put(kImageMagic);
    writer.put(kImageFormat);
    return write(writer.view());
}

Result<void> ImageWriter::frame(FrameType type, Bytes payload) {
    const FrameHeader header{type, 0, payload.size(), checksum_of_frame(type, payload)};
    TRY(write(std::as_bytes(std::span(&header, 1))));
    return write(payload);
}

Result<void> ImageWriter::end(std::uint64_t module_count, std::uint64_t unit_count) {
    ByteWriter writer;
    writer.put(module_count);
    writer.put(unit_count);
    writer.put(checksum_.digest());
    return frame(FrameType::end, writer.view());
}

Result<void> ImageReader::read(MutableBytes out) {
    const Bytes all = out;
    while (!out.empty()) {
        const std::size_t got = TRY(source_(out));
        if (got == 0) return damaged_image("it ends early");
        out = out.subspan(got);
    }
    checksum_.add(all);
    bytes_ += all.size();
    return {};
}

Result<void> ImageReader::begin() {
    std::array<char, 8> magic{};
    TRY(read(std::as_writable_bytes(std::span(magic))));
    if (magic != kImageMagic) {
        return fail(ErrorCode::unsupported_format, "this is not an image of a process");
    }
    std::uint32_t format = 0;
    TRY(read(std::as_writable_bytes(std::span(&format, 1))));
    if (format == kImageFormat) return {};
    return fail(ErrorCode::unsupported_format,
                "the image has format {}, this build reads {}: import it with the release that "
                "made it",
                format, kImageFormat);
}

Result<Frame> ImageReader::next() {
    digest_before_frame_ = checksum_.digest();
    FrameHeader header{};
    TRY(read(std::as_writable_bytes(std::span(&header, 1))));
    if (header.reserved != 0) return damaged_image("a frame has unknown flags");
    if (header.payload_bytes > payload_bytes_max(header.type)) {
        return damaged_image("a frame is of an impossible kind or length");
    }
    Frame frame{header.type, {}};
    // Memory follows what has arrived, not what a header promises.
    while (frame.payload.size() < header.payload_bytes) {
        const std::size_t before = frame.payload.size();
        frame.payload.resize(before +
                             std::min<std::uint64_t>(kReadBytes, header.payload_bytes - before));
        TRY(read(MutableBytes(frame.payload).subspan(before)));
    }
    if (checksum_of_frame(frame.type, frame.payload) != header.checksum) {
        return damaged_image("a checksum does not match");
    }
    return frame;
}

Result<void> ImageReader::end(const Frame& frame, std::uint64_t module_count,
                              std::uint64_t unit_count) {
    ByteReader reader(frame.payload, "the end of the image");
    const auto modules = TRY(reader.get<std::uint64_t>());
    const auto units = TRY(reader.get<std::uint64_t>());
    const auto digest = TRY(reader.get<StreamDigest>());
    TRY(reader.expect_end());
    if (modules != module_count || units != unit_count) return damaged_image("parts are missing");
    if (digest != digest_before_frame_) return damaged_image("its digest does not match");
    std::byte behind{};
    if (TRY(source_(MutableBytes(&behind, 1))) != 0)
        return damaged_image("it goes on behind its end");
    return {};
}

}  // namespace sojourn::store
