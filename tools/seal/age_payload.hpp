#pragma once

#include "tools/seal/age_header.hpp"

/// The payload of an age file: chunks of 64 KiB, each with its tag, numbered, and the last one
/// marked (STREAM; Hoang, Reyhanitabar, Rogaway, Vizár 2015).
namespace sojourn::seal {

class AgeWriter {
public:
    /// Writes what comes before the first chunk.
    static Result<AgeWriter> create(std::span<const Point> recipients, ByteSink sink,
                                    Random& random);

    Result<void> write(Bytes bytes);
    Result<void> finish();

private:
    AgeWriter(ChaCha20Poly1305 cipher, ByteSink sink);
    Result<void> write_chunk(bool is_last);

    ChaCha20Poly1305 cipher_;
    ByteSink sink_;
    std::uint64_t chunk_count_ = 0;
    ByteVector chunk_;  ///< what is not written yet
    ByteVector sealed_;
};

class AgeReader {
public:
    /// Reads what comes before the first chunk.
    static Result<AgeReader> create(std::span<const Identity> identities, ByteSource source);

    /// As a ByteSource. Errors: corrupt, those of the source.
    Result<std::size_t> read(MutableBytes out);

private:
    AgeReader(ChaCha20Poly1305 cipher, ByteStream stream);
    Result<void> read_chunk();

    ChaCha20Poly1305 cipher_;
    ByteStream stream_;
    std::uint64_t chunk_count_ = 0;
    bool is_at_end_ = false;
    ByteVector sealed_;  ///< what is read of the next chunk
    std::size_t ahead_bytes_ = 0;
    ByteVector chunk_;  ///< given from begin_ on
    std::size_t begin_ = 0;
};

}  // namespace sojourn::seal
