#include "tools/seal/age_header.hpp"

#include <algorithm>
#include <optional>

#include <openssl/crypto.h>

namespace sojourn::seal {

namespace {

constexpr std::string_view kStanzaType = "X25519";
constexpr std::string_view kWrapInfo = "age-encryption.org/v1/X25519";
constexpr std::size_t kColumns = 64;
/// Longer lines, and more of them, than any that makes sense.
constexpr std::size_t kLineBytesMax = 4096;
constexpr std::size_t kHeaderBytesMax = std::size_t{1} << 20U;
/// Each wrapping key is for one message.
constexpr ChaCha20Poly1305::Nonce kOnlyNonce{};

/// Without padding.
std::string to_base64(Bytes bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                    reinterpret_cast<const unsigned char*>(bytes.data()),
                    static_cast<int>(bytes.size()));
    text.resize((bytes.size() * 4 + 2) / 3);
    return text;
}

/// Only what to_base64() writes; nullopt for any other spelling.
std::optional<ByteVector> from_base64(std::string text) {
    const std::string wanted = text;
    while (text.size() % 4 != 0)
        text += '=';
    ByteVector bytes(text.size() / 4 * 3);
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    if (size < 0) return std::nullopt;
    bytes.resize(wanted.size() * 3 / 4);
    if (to_base64(bytes) != wanted) return std::nullopt;
    return bytes;
}

Result<Key> wrapping_key(const Key& shared, const Point& ephemeral, const Point& recipient) {
    ByteVector salt(ephemeral.begin(), ephemeral.end());
    salt.insert(salt.end(), recipient.begin(), recipient.end());
    return hkdf_sha256(shared.bytes, salt, kWrapInfo);
}

Result<std::string> make_stanza(const FileKey& key, const Point& recipient, Random& random) {
    Key ephemeral;
    random.fill(ephemeral.bytes);
    const Point point = TRY(x25519_point(ephemeral));
    const Key shared = TRY(x25519(ephemeral, recipient));
    const Key wrapping = TRY(wrapping_key(shared, point, recipient));
    auto cipher = TRY(ChaCha20Poly1305::create(wrapping));
    ByteVector body(key.bytes.size() + ChaCha20Poly1305::kTagBytes);
    TRY(cipher.encrypt(kOnlyNonce, key.bytes, body));
    return fmt::format("-> {} {}\n{}\n", kStanzaType, to_base64(point), to_base64(body));
}

Result<std::string> mac_of(const FileKey& key, std::string_view header) {
    const Key mac_key = TRY(hkdf_sha256(key.bytes, {}, "header"));
    const Key mac = TRY(hmac_sha256(mac_key.bytes, as_bytes(header)));
    return to_base64(mac.bytes);
}

Error damaged_header(std::string_view what) {
    return fail(ErrorCode::corrupt, "the header of the encrypted file is damaged: {}", what);
}

struct Stanza {
    std::vector<std::string> words;  ///< behind the arrow; the first is its type
    ByteVector body;
};

std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    while (!line.empty()) {
        const std::size_t end = std::min(line.find(' '), line.size());
        words.emplace_back(line.substr(0, end));
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return words;
}

/// Goes through the lines of a header and keeps them, as the MAC is of them all.
class HeaderReader {
public:
    explicit HeaderReader(ByteStream& stream) : stream_(stream) {}

    Result<void> begin() {
        TRY(read_line());
        if (line_ + '\n' == kEncryptedMagic) return {};
        if (line_.starts_with("age-encryption.org/")) {
            return fail(ErrorCode::unsupported_format,
                        "it is encrypted in another version of age's format than 1");
        }
        return fail(ErrorCode::unsupported_format, "it is not a file that age encrypts");
    }

    /// nullopt: there is no other.
    Result<std::optional<Stanza>> stanza() {
        TRY(read_line());
        if (line_.starts_with("--- ")) {
            mac_ = line_.substr(4);
            covered_bytes_ = header_.size() - line_.size() - 1 + 3;
            return std::optional<Stanza>();
        }
        Stanza stanza;
        if (line_.starts_with("-> ")) stanza.words = words_of(std::string_view(line_).substr(3));
        if (stanza.words.empty()) return damaged_header("a recipient is expected");
        std::string body;
        do {
            TRY(read_line());
            if (line_.size() > kColumns) return damaged_header("a line is too long");
            body += line_;
        } while (line_.size() == kColumns);
        auto bytes = from_base64(body);
        if (!bytes) return damaged_header("a line is not in base64");
        stanza.body = std::move(*bytes);
        return std::optional(std::move(stanza));
    }

    /// Whether its maker knew the key.
    Result<void> verify(const FileKey& key) const {
        const std::string mac =
            TRY(mac_of(key, std::string_view(header_).substr(0, covered_bytes_)));
        if (mac.size() == mac_.size() && CRYPTO_memcmp(mac.data(), mac_.data(), mac.size()) == 0)
            return {};
        return damaged_header("its checksum does not match");
    }

private:
    Result<void> read_line() {
        line_ = TRY(stream_.line(kLineBytesMax));
        header_ += line_;
        header_ += '\n';
        if (header_.size() > kHeaderBytesMax) return damaged_header("it is impossibly long");
        return {};
    }

    ByteStream& stream_;
    std::string line_;  ///< the one that was read last
    std::string header_;
    std::string mac_;
    std::size_t covered_bytes_ = 0;
};

/// nullopt: it is for another.
Result<std::optional<FileKey>> unwrap(const Stanza& stanza, const Identity& identity) {
    if (stanza.words.front() != kStanzaType) return std::optional<FileKey>();
    FileKey key;
    const auto share = stanza.words.size() == 2 ? from_base64(stanza.words[1]) : std::nullopt;
    Point ephemeral{};
    if (!share || share->size() != ephemeral.size() ||
        stanza.body.size() != key.bytes.size() + ChaCha20Poly1305::kTagBytes)
        return damaged_header("a recipient has no key");
    std::copy(share->begin(), share->end(), ephemeral.begin());
    const auto shared = x25519(identity.secret, ephemeral);
    if (!shared.ok()) return damaged_header("a recipient has no key");
    const Key wrapping = TRY(wrapping_key(*shared, ephemeral, identity.point));
    auto cipher = TRY(ChaCha20Poly1305::create(wrapping));
    if (!cipher.decrypt(kOnlyNonce, stanza.body, key.bytes)) return std::optional<FileKey>();
    return std::optional(key);
}

}  // namespace

Result<std::string> make_age_header(const FileKey& key, std::span<const Point> recipients,
                                    Random& random) {
    EXPECTS(!recipients.empty(), "somebody can open what is encrypted");
    std::string header(kEncryptedMagic);
    for (const Point& recipient : recipients)
        header += TRY(make_stanza(key, recipient, random));
    header += "---";
    const std::string mac = TRY(mac_of(key, header));
    return fmt::format("{} {}\n", header, mac);
}

Result<FileKey> read_age_header(ByteStream& stream, std::span<const Identity> identities) {
    HeaderReader header(stream);
    TRY(header.begin());
    std::optional<FileKey> key;
    for (;;) {
        const auto stanza = TRY(header.stanza());
        if (!stanza) break;
        for (const Identity& identity : identities)
            if (!key) key = TRY(unwrap(*stanza, identity));
    }
    if (!key) {
        return fail(ErrorCode::permission_denied,
                    "it is encrypted for somebody else: none of the keys opens it");
    }
    TRY(header.verify(*key));
    return *key;
}

}  // namespace sojourn::seal
