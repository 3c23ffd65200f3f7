#include "tools/seal/crypto.hpp"

#include <openssl/err.h>
#include <openssl/hmac.h>

namespace sojourn::seal {

namespace {

const unsigned char* raw(Bytes bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* raw(MutableBytes bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

Error refused(std::string_view what) {
    return fail(ErrorCode::unsupported, "OpenSSL does not do {} here: {}", what, openssl_words());
}

Result<PkeyPtr> private_key(const Key& secret) {
    PkeyPtr key(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, raw(Bytes(secret.bytes)),
                                             secret.bytes.size()));
    if (!key) return refused("X25519");
    return key;
}

int size_of(Bytes bytes) {
    return static_cast<int>(bytes.size());
}

}  // namespace

std::string openssl_words() {
    char text[256] = "no reason given";
    if (const unsigned long code = ERR_get_error(); code != 0)
        ERR_error_string_n(code, text, sizeof(text));
    ERR_clear_error();
    return text;
}

Result<Key> hmac_sha256(Bytes key, Bytes message) {
    Key digest;
    if (HMAC(EVP_sha256(), key.data(), size_of(key), raw(message), message.size(),
             raw(MutableBytes(digest.bytes)), nullptr) == nullptr)
        return refused("HMAC");
    return digest;
}

Result<Key> hkdf_sha256(Bytes secret, Bytes salt, std::string_view info) {
    const Key none;  // as long as the digest: what no salt stands for
    const Key extracted = TRY(hmac_sha256(salt.empty() ? Bytes(none.bytes) : salt, secret));
    ByteVector block(as_bytes(info).begin(), as_bytes(info).end());
    block.push_back(std::byte{1});
    return hmac_sha256(extracted.bytes, block);
}

Result<Key> x25519(const Key& secret, const Point& point) {
    const PkeyPtr own = TRY(private_key(secret));
    const PkeyPtr peer(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, raw(Bytes(point)), point.size()));
    const std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>> context(
        EVP_PKEY_CTX_new(own.get(), nullptr));
    Key shared;
    std::size_t size = shared.bytes.size();
    const bool is_done =
        peer && context && EVP_PKEY_derive_init(context.get()) == 1 &&
        EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1 &&
        EVP_PKEY_derive(context.get(), raw(MutableBytes(shared.bytes)), &size) == 1;
    if (is_done) return shared;
    return fail(ErrorCode::invalid_argument, "no secret can be shared with such a key: {}",
                openssl_words());
}

Result<Point> x25519_point(const Key& secret) {
    const PkeyPtr key = TRY(private_key(secret));
    Point point{};
    std::size_t size = point.size();
    if (EVP_PKEY_get_raw_public_key(key.get(), raw(MutableBytes(point)), &size) != 1)
        return refused("X25519");
    return point;
}

Result<ChaCha20Poly1305> ChaCha20Poly1305::create(const Key& key) {
    ChaCha20Poly1305 cipher;
    cipher.encryption_.reset(EVP_CIPHER_CTX_new());
    cipher.decryption_.reset(EVP_CIPHER_CTX_new());
    const unsigned char* bytes = raw(Bytes(key.bytes));
    const bool is_done = cipher.encryption_ && cipher.decryption_ &&
                         EVP_EncryptInit_ex(cipher.encryption_.get(), EVP_chacha20_poly1305(),
                                            nullptr, bytes, nullptr) == 1 &&
                         EVP_DecryptInit_ex(cipher.decryption_.get(), EVP_chacha20_poly1305(),
                                            nullptr, bytes, nullptr) == 1;
    if (!is_done) return refused("ChaCha20-Poly1305");
    return cipher;
}

Result<void> ChaCha20Poly1305::encrypt(const Nonce& nonce, Bytes plain, MutableBytes out) {
    EXPECTS(out.size() == plain.size() + kTagBytes, "a message grows by its tag");
    EVP_CIPHER_CTX* context = encryption_.get();
    int written = 0;
    const bool is_done =
        EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, raw(Bytes(nonce))) == 1 &&
        EVP_EncryptUpdate(context, raw(out), &written, raw(plain), size_of(plain)) == 1 &&
        EVP_EncryptFinal_ex(context, raw(out) + written, &written) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                            out.subspan(plain.size()).data()) == 1;
    if (!is_done) return refused("ChaCha20-Poly1305");
    return {};
}

bool ChaCha20Poly1305::decrypt(const Nonce& nonce, Bytes sealed, MutableBytes out) {
    EXPECTS(sealed.size() == out.size() + kTagBytes, "a message has its tag");
    EVP_CIPHER_CTX* context = decryption_.get();
    // It is only read; the interface serves both ways.
    auto* tag = const_cast<std::byte*>(sealed.subspan(out.size()).data());
    const Bytes body = sealed.first(out.size());
    int written = 0;
    const bool is_authentic =
        EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, raw(Bytes(nonce))) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag) == 1 &&
        EVP_DecryptUpdate(context, raw(out), &written, raw(body), size_of(body)) == 1 &&
        EVP_DecryptFinal_ex(context, raw(out) + written, &written) == 1;
    ERR_clear_error();
    return is_authentic;
}

}  // namespace sojourn::seal
