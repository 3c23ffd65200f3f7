#pragma once

#include <array>
#include <memory>

#include <openssl/evp.h>

#include "base/bytes.hpp"

/// The primitives of age, by OpenSSL.
namespace sojourn::seal {

/// A secret of N bytes, wiped at its end.
template <std::size_t N>
struct Secret {
    std::array<std::byte, N> bytes{};

    Secret() = default;
    Secret(const Secret&) = default;
    Secret& operator=(const Secret&) = default;
    ~Secret() { OPENSSL_cleanse(bytes.data(), N); }
};
using Key = Secret<32>;
using Point = std::array<std::byte, 32>;  ///< of Curve25519

template <auto Free>
struct Freed {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, Freed<EVP_CIPHER_CTX_free>>;

/// What OpenSSL has to say of its last failure, which is forgotten then.
std::string openssl_words();

Result<Key> hmac_sha256(Bytes key, Bytes message);
/// RFC 5869, one block of output.
Result<Key> hkdf_sha256(Bytes secret, Bytes salt, std::string_view info);

/// RFC 7748. Errors: invalid_argument for a point of low order.
Result<Key> x25519(const Key& secret, const Point& point);
Result<Point> x25519_point(const Key& secret);

/// RFC 8439, one key for many messages.
class ChaCha20Poly1305 {
public:
    static constexpr std::size_t kTagBytes = 16;
    using Nonce = std::array<std::byte, 12>;

    static Result<ChaCha20Poly1305> create(const Key& key);

    /// Requires: `out` is kTagBytes longer than `plain`, and they do not overlap.
    Result<void> encrypt(const Nonce& nonce, Bytes plain, MutableBytes out);
    /// False: it was not encrypted so, and `out` is not to be used. Requires: `sealed` is kTagBytes
    /// longer than `out`.
    bool decrypt(const Nonce& nonce, Bytes sealed, MutableBytes out);

private:
    ChaCha20Poly1305() = default;

    CipherPtr encryption_;
    CipherPtr decryption_;
};

}  // namespace sojourn::seal
