#include "tools/seal/age_payload.hpp"

#include <algorithm>

namespace sojourn::seal {

namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} << 10U;
constexpr std::size_t kSealedChunkBytes = kChunkBytes + ChaCha20Poly1305::kTagBytes;
using PayloadNonce = std::array<std::byte, 16>;

Result<ChaCha20Poly1305> payload_cipher(const FileKey& key, const PayloadNonce& nonce) {
    const Key payload_key = TRY(hkdf_sha256(key.bytes, nonce, "payload"));
    return ChaCha20Poly1305::create(payload_key);
}

/// Its number, big-endian, and whether it is the last.
ChaCha20Poly1305::Nonce chunk_nonce(std::uint64_t number, bool is_last) {
    ChaCha20Poly1305::Nonce nonce{};
    for (std::size_t byte = 0; byte < sizeof(number); ++byte)
        nonce.at(10 - byte) = static_cast<std::byte>(number >> 8 * byte);
    nonce.back() = std::byte{is_last};
    return nonce;
}

Error damaged_payload() {
    return fail(ErrorCode::corrupt, "the encrypted file was changed or cut");
}

}  // namespace

AgeWriter::AgeWriter(ChaCha20Poly1305 cipher, ByteSink sink)
    : cipher_(std::move(cipher)), sink_(std::move(sink)) {
    chunk_.reserve(kChunkBytes);
}

Result<AgeWriter> AgeWriter::create(std::span<const Point> recipients, ByteSink sink,
                                    Random& random) {
    FileKey key;
    random.fill(key.bytes);
    const std::string header = TRY(make_age_header(key, recipients, random));
    TRY(sink(as_bytes(header)));
    PayloadNonce nonce{};
    random.fill(nonce);
    TRY(sink(nonce));
    return AgeWriter(TRY(payload_cipher(key, nonce)), std::move(sink));
}

Result<void> AgeWriter::write(Bytes bytes) {
    while (!bytes.empty()) {
        // A full one stays until it is known not to be the last.
        if (chunk_.size() == kChunkBytes) TRY(write_chunk(/*is_last=*/false));
        const Bytes part = bytes.first(std::min(bytes.size(), kChunkBytes - chunk_.size()));
        chunk_.insert(chunk_.end(), part.begin(), part.end());
        bytes = bytes.subspan(part.size());
    }
    return {};
}

Result<void> AgeWriter::finish() {
    return write_chunk(/*is_last=*/true);
}

Result<void> AgeWriter::write_chunk(bool is_last) {
    sealed_.resize(chunk_.size() + ChaCha20Poly1305::kTagBytes);
    TRY(cipher_.encrypt(chunk_nonce(chunk_count_++, is_last), chunk_, sealed_));
    chunk_.clear();
    return sink_(sealed_);
}

AgeReader::AgeReader(ChaCha20Poly1305 cipher, ByteStream stream)
    : cipher_(std::move(cipher)), stream_(std::move(stream)), sealed_(kSealedChunkBytes + 1) {}

Result<AgeReader> AgeReader::create(std::span<const Identity> identities, ByteSource source) {
    ByteStream stream(std::move(source));
    const FileKey key = TRY(read_age_header(stream, identities));
    PayloadNonce nonce{};
    if (TRY(stream.fill(nonce)) < nonce.size()) return damaged_payload();
    return AgeReader(TRY(payload_cipher(key, nonce)), std::move(stream));
}

Result<void> AgeReader::read_chunk() {
    // A byte more than a chunk: what goes on is not the last.
    const std::size_t there =
        ahead_bytes_ + TRY(stream_.fill(MutableBytes(sealed_).subspan(ahead_bytes_)));
    is_at_end_ = there <= kSealedChunkBytes;
    const std::size_t size = std::min(there, kSealedChunkBytes);
    const bool may_be = size > ChaCha20Poly1305::kTagBytes ||
                        (size == ChaCha20Poly1305::kTagBytes && chunk_count_ == 0);
    if (!may_be) return damaged_payload();
    chunk_.resize(size - ChaCha20Poly1305::kTagBytes);
    begin_ = 0;
    const bool is_authentic = cipher_.decrypt(chunk_nonce(chunk_count_++, is_at_end_),
                                              Bytes(sealed_).first(size), chunk_);
    if (!is_authentic) {
        chunk_.clear();
        return damaged_payload();
    }
    ahead_bytes_ = there - size;
    if (ahead_bytes_ != 0) sealed_.front() = sealed_.back();
    return {};
}

Result<std::size_t> AgeReader::read(MutableBytes out) {
    if (begin_ == chunk_.size() && !is_at_end_) TRY(read_chunk());
    const std::size_t size = std::min(out.size(), chunk_.size() - begin_);
    std::copy_n(chunk_.begin() + static_cast<std::ptrdiff_t>(begin_), size, out.begin());
    begin_ += size;
    return size;
}

}  // namespace sojourn::seal
