#include "tools/seal/age_keys.hpp"

#include <algorithm>

#include <openssl/pem.h>

#include "base/file.hpp"
#include "tools/seal/bech32.hpp"
#include "tools/seal/pem.hpp"

namespace sojourn::seal {

namespace {

constexpr std::string_view kRecipientPrefix = "age";
constexpr std::string_view kIdentityPrefix = "AGE-SECRET-KEY-";

/// The 32 bytes of a key in one line of text.
Result<Point> key_in(std::string_view prefix, std::string_view line, std::string_view where) {
    const auto bytes = decode_bech32(prefix, line);
    Point key{};
    if (!bytes || bytes->size() != key.size()) {
        return fail(ErrorCode::invalid_argument,
                    "{}: no X25519 key of age, which begins with {}1 and ends with a checksum",
                    where, prefix);
    }
    std::copy(bytes->begin(), bytes->end(), key.begin());
    return key;
}

/// What is neither empty nor a comment, with its number.
template <typename Take>
Result<void> each_line(std::string_view text, const std::string& path, const Take& take) {
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!line.empty() && !line.starts_with('#'))
            TRY(take(line, fmt::format("{}, line {}", path, number)));
    }
    return {};
}

Error no_key_in(const std::string& path) {
    return fail(ErrorCode::invalid_argument, "{} holds no key", path);
}

bool is_x25519(EVP_PKEY* key) {
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_X25519;
}

Error of_another_kind(const std::string& path) {
    return fail(ErrorCode::invalid_argument,
                "{} holds a key of another kind than X25519: openssl genpkey -algorithm X25519",
                path);
}

Result<Identity> identity_of(const Key& secret) {
    Identity identity{secret, TRY(x25519_point(secret))};
    return identity;
}

}  // namespace

Result<std::vector<Point>> read_recipients(const std::string& text) {
    std::vector<Point> recipients;
    if (text.starts_with("age1")) {
        recipients.push_back(TRY(key_in(kRecipientPrefix, text, text)));
        return recipients;
    }
    const ByteVector file = TRY(read_file(text));
    if (is_pem(file)) {
        const PkeyPtr key = TRY(public_key_in(file, text));
        Point point{};
        std::size_t size = point.size();
        auto* raw = reinterpret_cast<unsigned char*>(point.data());
        if (!is_x25519(key.get()) || EVP_PKEY_get_raw_public_key(key.get(), raw, &size) != 1)
            return of_another_kind(text);
        recipients.push_back(point);
        return recipients;
    }
    const auto take = [&](std::string_view line, const std::string& where) -> Result<void> {
        recipients.push_back(TRY(key_in(kRecipientPrefix, line, where)));
        return {};
    };
    TRY(each_line(as_text(file), text, take));
    if (recipients.empty()) return no_key_in(text);
    return recipients;
}

Result<std::vector<Identity>> read_identities(const std::string& path) {
    ByteVector file = TRY(read_file(path));
    const std::unique_ptr<ByteVector, void (*)(ByteVector*)> wiped(
        &file, [](ByteVector* bytes) { OPENSSL_cleanse(bytes->data(), bytes->size()); });
    std::vector<Identity> identities;
    Key secret;
    if (is_pem(file)) {
        const PkeyPtr key = TRY(private_key_in(file, path));
        std::size_t size = secret.bytes.size();
        auto* raw = reinterpret_cast<unsigned char*>(secret.bytes.data());
        if (!is_x25519(key.get()) || EVP_PKEY_get_raw_private_key(key.get(), raw, &size) != 1)
            return of_another_kind(path);
        identities.push_back(TRY(identity_of(secret)));
        return identities;
    }
    const auto take = [&](std::string_view line, const std::string& where) -> Result<void> {
        secret.bytes = TRY(key_in(kIdentityPrefix, line, where));
        identities.push_back(TRY(identity_of(secret)));
        return {};
    };
    TRY(each_line(as_text(file), path, take));
    if (identities.empty()) return no_key_in(path);
    return identities;
}

}  // namespace sojourn::seal
