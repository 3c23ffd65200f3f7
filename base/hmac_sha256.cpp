#include "base/hmac_sha256.hpp"

// As in base/sha256.cpp: HMAC() of OpenSSL is built on EVP.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace sojourn {

namespace {

using Block = std::array<std::byte, SHA256_CBLOCK>;
constexpr std::byte kInner{0x36};
constexpr std::byte kOuter{0x5c};

Sha256 hash_keyed(Bytes key, std::byte pad, std::initializer_list<Bytes> message) {
    Block block{};
    std::memcpy(block.data(), key.data(), key.size());
    for (std::byte& byte : block)
        byte ^= pad;
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, block.data(), block.size());
    for (const Bytes part : message)
        SHA256_Update(&context, part.data(), part.size());
    Sha256 digest;
    SHA256_Final(reinterpret_cast<unsigned char*>(digest.bytes.data()), &context);
    OPENSSL_cleanse(block.data(), block.size());
    return digest;
}

}  // namespace

Sha256 hmac_sha256(Bytes key, std::initializer_list<Bytes> message) {
    EXPECTS(key.size() <= SHA256_CBLOCK, "a key is no longer than a block");
    const Sha256 inner = hash_keyed(key, kInner, message);
    return hash_keyed(key, kOuter, {inner.bytes});
}

bool is_same_mac(Bytes one, Bytes other) {
    return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace sojourn
