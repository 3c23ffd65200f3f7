#include "tests/unit/tools/seal/sealed_fixture.hpp"
#include "tools/seal/age_keys.hpp"
#include "tools/seal/bech32.hpp"

using namespace sojourn;
using namespace sojourn::seal;

namespace {

struct EncryptedFixture : SealedFixture {
    const std::string identity = file("key", kIdentity);

    ByteVector encrypted(Bytes plain) { return seal({{kRecipient}, {}}, plain).value(); }
    Result<ByteVector> decrypted(Bytes sealed) { return open({{identity}, {}, {}}, sealed); }
};

std::string text_of_header(const ByteVector& sealed) {
    const std::string_view text = as_text(sealed);
    return std::string(text.substr(0, text.find("--- ")));
}

}  // namespace

TEST_CASE("a key is derived as RFC 5869 does it", "[seal]") {
    const ByteVector secret(22, std::byte{0x0b});
    ByteVector salt(13);
    for (std::size_t i = 0; i < salt.size(); ++i)
        salt[i] = static_cast<std::byte>(i);

    const auto key = hkdf_sha256(secret, salt, "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9");

    // The first 32 bytes of its test case 1.
    REQUIRE(to_hex(key.value().bytes) ==
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
}

TEST_CASE("the keys of a pair of age belong together", "[seal]") {
    SealedFixture fixture;
    const auto identities = read_identities(fixture.file("key", kIdentity));
    const auto recipients = read_recipients(kRecipient);

    REQUIRE(identities.value().front().point == recipients.value().front());
    REQUIRE(to_hex(identities.value().front().secret.bytes) ==
            "4242424242424242424242424242424242424242424242424242424242424242");
}

TEST_CASE("a key with a letter changed is none", "[seal]") {
    const std::string text = kRecipient;
    for (std::size_t place = 0; place < text.size(); ++place) {
        std::string changed = text;
        changed[place] = changed[place] == 'q' ? 'p' : 'q';
        CHECK_FALSE(decode_bech32("age", changed));
    }
    CHECK_FALSE(decode_bech32("age", text + "q"));
    CHECK_FALSE(decode_bech32("age", text.substr(0, text.size() - 1)));
    CHECK_FALSE(decode_bech32("age", "age1"));
    CHECK_FALSE(
        decode_bech32("age", "age1ZVKYG2LQZRAA2LNJVQEJ32NKUU0UES2S82HZRYE869XEEXVN73EQUNUJWJ"));
    CHECK(decode_bech32("age", text));
}

TEST_CASE("what is encrypted for somebody comes out as it was, of any size", "[seal]") {
    EncryptedFixture fixture;
    for (const std::size_t size : {0U, 1U, 65535U, 65536U, 65537U, 131072U, 200000U}) {
        const ByteVector plain = some_bytes(size);
        const ByteVector sealed = fixture.encrypted(plain);
        CHECK(as_text(sealed).starts_with(kEncryptedMagic));
        CHECK(fixture.decrypted(sealed).value() == plain);
    }
}

TEST_CASE("each of several owners opens it, with any of several keys", "[seal]") {
    EncryptedFixture fixture;
    const std::string both = fixture.file(
        "both", fmt::format("# theirs\n{}\n\n# ours\n{}\r\n", kOtherRecipient, kRecipient));
    const ByteVector plain = some_bytes(5000);

    const ByteVector sealed = fixture.seal({{both}, {}}, plain).value();

    REQUIRE(fixture.decrypted(sealed).value() == plain);
}

TEST_CASE("who has another key is told so", "[seal]") {
    EncryptedFixture fixture;
    const ByteVector sealed = fixture.seal({{kOtherRecipient}, {}}, some_bytes(10)).value();

    REQUIRE(fixture.decrypted(sealed).error().code == ErrorCode::permission_denied);
}

TEST_CASE("an encrypted stream that was changed or cut anywhere is refused", "[seal]") {
    EncryptedFixture fixture;
    const ByteVector sealed = fixture.encrypted(some_bytes(300));

    for (std::size_t place = 0; place < sealed.size(); ++place) {
        ByteVector changed = sealed;
        changed[place] ^= std::byte{1};
        CAPTURE(place);
        CHECK_FALSE(fixture.decrypted(changed).ok());
        CHECK_FALSE(fixture.decrypted(Bytes(sealed).first(place)).ok());
    }
    ByteVector longer = sealed;
    longer.push_back(std::byte{0});
    CHECK(fixture.decrypted(longer).error().code == ErrorCode::corrupt);
}

TEST_CASE("chunks can be neither dropped nor swapped nor be the last too early", "[seal]") {
    EncryptedFixture fixture;
    constexpr std::size_t kSealedChunk = 65536 + 16;
    const ByteVector sealed = fixture.encrypted(some_bytes(3 * 65536));
    const std::size_t payload = sealed.size() - 3 * kSealedChunk;

    CHECK(fixture.decrypted(Bytes(sealed).first(payload + 2 * kSealedChunk)).error().code ==
          ErrorCode::corrupt);
    ByteVector swapped = sealed;
    const auto first = swapped.begin() + static_cast<std::ptrdiff_t>(payload);
    std::swap_ranges(first, first + kSealedChunk, first + kSealedChunk);
    CHECK(fixture.decrypted(swapped).error().code == ErrorCode::corrupt);
    ByteVector dropped = sealed;
    const auto begin = dropped.begin() + static_cast<std::ptrdiff_t>(payload);
    dropped.erase(begin, begin + kSealedChunk);
    CHECK(fixture.decrypted(dropped).error().code == ErrorCode::corrupt);
}

TEST_CASE("a header that does not make sense is refused", "[seal]") {
    EncryptedFixture fixture;
    const ByteVector sealed = fixture.encrypted(some_bytes(10));
    const std::string header = text_of_header(sealed);
    const std::string magic(kEncryptedMagic);
    const auto code_of = [&](const std::string& text) {
        return fixture.decrypted(as_bytes(text)).error().code;
    };

    CHECK(code_of("") == ErrorCode::corrupt);
    CHECK(code_of("SOJIMAGE\n") == ErrorCode::unsupported_format);
    CHECK(code_of("age-encryption.org/v2\n") == ErrorCode::unsupported_format);
    CHECK(code_of(magic + "nothing\n") == ErrorCode::corrupt);
    CHECK(code_of(magic + "-> X25519\n\n--- \n") == ErrorCode::corrupt);
    CHECK(code_of(magic + "-> X25519 " + std::string(43, 'A') + "\n" + std::string(43, 'A') +
                  "\n--- \n") == ErrorCode::corrupt);
    CHECK(code_of(magic + "-> grease\n\n--- \n") == ErrorCode::permission_denied);
    CHECK(code_of(magic + "-> grease\n" + std::string(65, 'A') + "\n\n--- \n") ==
          ErrorCode::corrupt);
    CHECK(code_of(magic + "-> grease\nAB\n--- \n") == ErrorCode::corrupt);
    CHECK(code_of(magic + "-> " + std::string(5000, 'x')) == ErrorCode::corrupt);
    CHECK(code_of(header + "--- \n") == ErrorCode::corrupt);
    std::string endless = magic;
    while (endless.size() < (2U << 20U))
        endless += "-> grease\n\n";
    CHECK(code_of(endless) == ErrorCode::corrupt);
}

TEST_CASE("what is no key is named with its place", "[seal]") {
    SealedFixture fixture;
    const std::string lines = fixture.file("lines", "# a comment\nssh-ed25519 AAAA\n");
    const std::string empty = fixture.file("empty", "# nothing\n");

    const auto ssh = read_recipients(lines);
    CHECK(ssh.error().code == ErrorCode::invalid_argument);
    CHECK(ssh.error().message.find(lines + ", line 2") != std::string::npos);
    CHECK(read_recipients(empty).error().message == empty + " holds no key");
    CHECK(read_identities(empty).error().message == empty + " holds no key");
    CHECK(read_identities(fixture.path("missing")).error().code == ErrorCode::not_found);
    CHECK(read_recipients("age1nothing").error().code == ErrorCode::invalid_argument);
}
