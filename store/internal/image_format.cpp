#include "store/internal/image_format.hpp"

#include <algorithm>

#include "store/tag_name.hpp"

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
        case FrameType::checkpoint:
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

/// What a checkpoint is told by in both formats, besides its parent and its identity.
void put_info(ByteWriter& writer, const CheckpointInfo& info) {
    writer.put(info.time_us);
    writer.put(info.dirty_pages);
    writer.put(info.written_bytes);
    writer.put(info.pause_us);
    writer.put(info.durable_us);
    writer.put_sized(info.message);
}

Result<void> get_info(ByteReader& reader, CheckpointInfo& info) {
    info.time_us = TRY(reader.get<std::uint64_t>());
    info.dirty_pages = TRY(reader.get<std::uint64_t>());
    info.written_bytes = TRY(reader.get<std::uint64_t>());
    info.pause_us = TRY(reader.get<std::uint64_t>());
    info.durable_us = TRY(reader.get<std::uint64_t>());
    info.message = TRY(reader.get_string());
    return {};
}

void put_tags(ByteWriter& writer, const std::vector<std::string>& tags) {
    writer.put(static_cast<std::uint32_t>(tags.size()));
    for (const std::string& tag : tags)
        writer.put_sized(tag);
}

Result<std::vector<std::string>> get_tags(ByteReader& reader) {
    std::vector<std::string> tags;
    const auto count = TRY(reader.get<std::uint32_t>());
    if (count > kImageTagsMax) return damaged_image("a checkpoint has impossibly many tags");
    while (tags.size() < count) {
        std::string tag = TRY(reader.get_string());
        if (!is_tag_name(tag)) return damaged_image("a tag in it is none");
        if (!tags.empty() && tag <= tags.back()) return damaged_image("its tags are out of order");
        tags.push_back(std::move(tag));
    }
    return tags;
}

Result<Sha256> get_digest(ByteReader& reader) {
    Sha256 digest;
    digest.bytes = TRY(reader.get<decltype(Sha256::bytes)>());
    return digest;
}

}  // namespace

bool may_follow(std::uint32_t format, FrameType last, FrameType type) {
    const bool is_first_format = format == kImageFormatOldest;
    switch (type) {
        case FrameType::header:
            return false;
        case FrameType::module:
            return last == FrameType::header || last == FrameType::module;
        case FrameType::checkpoint:
            return !is_first_format && (last == FrameType::header || last == FrameType::module ||
                                        last == FrameType::attachment);
        case FrameType::units:
        case FrameType::attachment:
            return last == FrameType::checkpoint || last == FrameType::units ||
                   (is_first_format && (last == FrameType::header || last == FrameType::module));
        case FrameType::end:
            return last == FrameType::attachment;
    }
    return false;
}

Error damaged_image(const char* how) {
    return fail(ErrorCode::corrupt,
                "the image is damaged: {}; take another copy of it, or export it again", how);
}

ByteVector encode_image_header(const ImageHeader& header) {
    const ImageBase base = header.base.value_or(ImageBase{});
    ByteWriter writer;
    writer.put(header.unit_bytes);
    writer.put(header.generation);
    writer.put_sized(header.process_name);
    writer.put(header.head);
    writer.put(base.version);
    writer.put(base.time_us);
    writer.put(base.identity.bytes);
    return writer.take();
}

Result<ImageHeader> decode_image_header(Bytes payload) {
    ByteReader reader(payload, "the header of the image");
    ImageHeader header;
    header.unit_bytes = TRY(reader.get<std::uint32_t>());
    header.generation = TRY(reader.get<std::uint64_t>());
    header.process_name = TRY(reader.get_string());
    header.head = TRY(reader.get<Version>());
    ImageBase base;
    base.version = TRY(reader.get<Version>());
    base.time_us = TRY(reader.get<std::uint64_t>());
    base.identity = TRY(get_digest(reader));
    if (base.version != kNoVersion) header.base = base;
    TRY(reader.expect_end());
    return header;
}

Result<FirstFormatHeader> decode_first_format_header(Bytes payload) {
    ByteReader reader(payload, "the header of the image");
    FirstFormatHeader first;
    first.header.unit_bytes = TRY(reader.get<std::uint32_t>());
    first.header.generation = TRY(reader.get<std::uint64_t>());
    first.header.process_name = TRY(reader.get_string());
    CheckpointInfo& info = first.checkpoint.info;
    info.id = TRY(reader.get<Version>());
    TRY(get_info(reader, info));
    TRY(reader.expect_end());
    first.header.head = info.id;
    return first;
}

ByteVector encode_image_checkpoint(const ImageCheckpoint& checkpoint) {
    ByteWriter writer;
    writer.put(checkpoint.info.id);
    writer.put(checkpoint.info.parent);
    writer.put(checkpoint.identity.value().bytes);
    put_info(writer, checkpoint.info);
    put_tags(writer, checkpoint.info.tags);
    return writer.take();
}

Result<ImageCheckpoint> decode_image_checkpoint(std::uint32_t format, Bytes payload) {
    ByteReader reader(payload, "a checkpoint in the image");
    ImageCheckpoint checkpoint;
    checkpoint.info.id = TRY(reader.get<Version>());
    checkpoint.info.parent = TRY(reader.get<Version>());
    checkpoint.identity = TRY(get_digest(reader));
    TRY(get_info(reader, checkpoint.info));
    if (format >= kImageFormatWithTags) checkpoint.info.tags = TRY(get_tags(reader));
    TRY(reader.expect_end());
    return checkpoint;
}

Sha256 checkpoint_identity(std::uint64_t time_us, Bytes attachment) {
    ByteWriter writer;
    writer.put(time_us);
    writer.put_bytes(attachment);
    return sha256_of(writer.view());
}

Result<Sha256> checkpoint_identity(const Family& family, Version checkpoint) {
    const auto info = TRY(family.checkpoint(checkpoint));
    const ByteVector attachment = TRY(family.read_attachment(checkpoint));
    return checkpoint_identity(info.time_us, attachment);
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

Result<void> ImageWriter::write_frame(FrameType type, Bytes payload) {
    const FrameHeader header{type, 0, payload.size(), checksum_of_frame(type, payload)};
    TRY(write(std::as_bytes(std::span(&header, 1))));
    return write(payload);
}

Result<void> ImageWriter::frame(FrameType type, ByteVector payload) {
    return writing_.begin([this, type, kept = std::make_shared<ByteVector>(std::move(payload))] {
        return write_frame(type, *kept);
    });
}

Result<void> ImageWriter::end(const ImageEnd& end) {
    TRY(writing_.finish());
    ByteWriter writer;
    writer.put(end.module_count);
    writer.put(end.unit_count);
    writer.put(end.checkpoint_count);
    writer.put(checksum_.digest());
    return write_frame(FrameType::end, writer.view());
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

Result<std::uint32_t> ImageReader::begin() {
    std::array<char, 8> magic{};
    TRY(read(std::as_writable_bytes(std::span(magic))));
    if (magic != kImageMagic) {
        return fail(ErrorCode::unsupported_format, "this is not an image of a process");
    }
    TRY(read(std::as_writable_bytes(std::span(&format_, 1))));
    if (format_ >= kImageFormatOldest && format_ <= kImageFormat) return format_;
    return fail(ErrorCode::unsupported_format,
                "the image has format {}, this build reads {} to {}: import it with the release "
                "that made it",
                format_, kImageFormatOldest, kImageFormat);
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

Result<void> ImageReader::end(const Frame& frame, const ImageEnd& expected) {
    ByteReader reader(frame.payload, "the end of the image");
    ImageEnd end;
    end.module_count = TRY(reader.get<std::uint64_t>());
    end.unit_count = TRY(reader.get<std::uint64_t>());
    if (format_ != kImageFormatOldest) {
        end.checkpoint_count = TRY(reader.get<std::uint64_t>());
    }
    const auto digest = TRY(reader.get<StreamDigest>());
    TRY(reader.expect_end());
    if (end != expected) return damaged_image("parts are missing");
    if (digest != digest_before_frame_) return damaged_image("its digest does not match");
    std::byte behind{};
    if (TRY(source_(MutableBytes(&behind, 1))) != 0)
        return damaged_image("it goes on behind its end");
    return {};
}

}  // namespace sojourn::store
