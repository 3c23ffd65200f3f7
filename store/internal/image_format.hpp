#pragma once

#include "store/image.hpp"
#include "store/internal/checksum.hpp"

/// The frames of an image (docs/formats/image.md) and the stream they travel in.
namespace sojourn::store {

inline constexpr std::array<char, 8> kImageMagic{'S', 'O', 'J', 'I', 'M', 'A', 'G', 'E'};
inline constexpr std::uint32_t kImageFormat = 1;

enum class FrameType : std::uint32_t {
    header = 1,      ///< ImageHeader
    module = 2,      ///< SHA-256, blob
    units = 3,       ///< count, then {region, unit, sized value} by key
    attachment = 4,  ///< blob
    end = 5,         ///< ImageEnd; nothing follows
};

/// The encoded units that a writer puts into one frame, and a reader into one transaction.
inline constexpr std::size_t kUnitsFrameBytes = std::size_t{8} << 20;

struct FrameHeader {
    FrameType type;
    std::uint32_t reserved = 0;
    std::uint64_t payload_bytes;
    std::uint64_t checksum;  ///< of the payload, seeded with the type
};
static_assert(sizeof(FrameHeader) == 24);

struct ImageHeader {
    std::uint32_t unit_bytes = 0;
    std::uint64_t generation = 0;
    std::string process_name;
    CheckpointInfo checkpoint;
};

struct ImageEnd {
    std::uint64_t module_count = 0;
    std::uint64_t unit_count = 0;
    StreamDigest digest{};  ///< XXH3-128 of every byte in front of the end frame
};

ByteVector encode_image_header(const ImageHeader& header);
Result<ImageHeader> decode_image_header(Bytes payload);

/// Writes magic and frames, and knows what it has written.
class ImageWriter {
public:
    explicit ImageWriter(const ByteSink& sink) : sink_(sink) {}

    Result<void> begin();
    Result<void> frame(FrameType type, Bytes payload);
    Result<void> end(std::uint64_t module_count, std::uint64_t unit_count);
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

private:
    Result<void> write(Bytes bytes);

    const ByteSink& sink_;
    StreamChecksum checksum_;
    std::uint64_t bytes_ = 0;
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

    Result<void> begin();
    Result<Frame> next();
    /// Checks the counts and the digest of an end frame, and that nothing follows it.
    Result<void> end(const Frame& frame, std::uint64_t module_count, std::uint64_t unit_count);
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

private:
    Result<void> read(MutableBytes out);

    const ByteSource& source_;
    StreamChecksum checksum_;
    StreamDigest digest_before_frame_{};
    std::uint64_t bytes_ = 0;
};

}  // namespace sojourn::store
