#pragma once

#include "base/background_job.hpp"
#include "store/image.hpp"
#include "store/internal/checksum.hpp"

/// The frames of an image (docs/formats/image.md) and the stream they travel in.
namespace sojourn::store {

inline constexpr std::array<char, 8> kImageMagic{'S', 'O', 'J', 'I', 'M', 'A', 'G', 'E'};
/// What is written. Format 1 had one checkpoint, described in its header, and format 2 no tags;
/// they are read as well.
inline constexpr std::uint32_t kImageFormat = 3;
inline constexpr std::uint32_t kImageFormatWithTags = 3;
inline constexpr std::uint32_t kImageFormatOldest = 1;

/// Of one checkpoint.
inline constexpr std::size_t kImageTagsMax = 256;

enum class FrameType : std::uint32_t {
    header = 1,
    module = 2,      ///< SHA-256, blob
    units = 3,       ///< {region, unit, sized value} by key
    attachment = 4,  ///< blob; a checkpoint's last
    end = 5,         ///< ImageEnd; nothing follows
    checkpoint = 6,  ///< a checkpoint's first
};

/// Whether a frame may stand behind one of type `last`.
bool may_follow(std::uint32_t format, FrameType last, FrameType type);

/// The encoded units that a writer puts into one frame, and a reader into one transaction.
inline constexpr std::size_t kUnitsFrameBytes = std::size_t{8} << 20;

struct FrameHeader {
    FrameType type;
    std::uint32_t reserved = 0;
    std::uint64_t payload_bytes;
    std::uint64_t checksum;  ///< of the payload, seeded with the type
};
static_assert(sizeof(FrameHeader) == 24);

struct ImageEnd {
    std::uint64_t module_count = 0;
    std::uint64_t unit_count = 0;
    std::uint64_t checkpoint_count = 1;  ///< not in format 1

    bool operator==(const ImageEnd&) const = default;
};

/// What a header of format 1 says of its one checkpoint.
struct FirstFormatHeader {
    ImageHeader header;
    ImageCheckpoint checkpoint;
};

ByteVector encode_image_header(const ImageHeader& header);
Result<ImageHeader> decode_image_header(Bytes payload);
Result<FirstFormatHeader> decode_first_format_header(Bytes payload);

/// Requires: the checkpoint has an identity.
ByteVector encode_image_checkpoint(const ImageCheckpoint& checkpoint);
Result<ImageCheckpoint> decode_image_checkpoint(std::uint32_t format, Bytes payload);

/// Writes magic and frames, and knows what it has written. A frame is written while the next one is
/// prepared.
class ImageWriter {
public:
    explicit ImageWriter(const ByteSink& sink) : sink_(sink) {}

    Result<void> begin();
    Result<void> frame(FrameType type, ByteVector payload);
    Result<void> end(const ImageEnd& end);
    /// Requires: end() has returned.
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

private:
    Result<void> write(Bytes bytes);
    Result<void> write_frame(FrameType type, Bytes payload);

    const ByteSink& sink_;
    StreamChecksum checksum_;
    std::uint64_t bytes_ = 0;
    BackgroundJob writing_;  ///< the last, as it uses what is above
};

/// The Error for an image that is not as it was written.
Error damaged_image(const char* how);

struct Frame {
    FrameType type;
    ByteVector payload;
};

/// Reads magic and frames. What it returns has its checksum verified. Errors of each function:
/// corrupt, unsupported_format, and those of the source.
class ImageReader {
public:
    explicit ImageReader(const ByteSource& source) : source_(source) {}

    /// The format.
    Result<std::uint32_t> begin();
    Result<Frame> next();
    /// Checks the counts and the digest of an end frame, and that nothing follows it.
    Result<void> end(const Frame& frame, const ImageEnd& expected);
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

private:
    Result<void> read(MutableBytes out);

    const ByteSource& source_;
    StreamChecksum checksum_;
    StreamDigest digest_before_frame_{};
    std::uint32_t format_ = kImageFormat;
    std::uint64_t bytes_ = 0;
};

}  // namespace sojourn::store
