#include <openssl/ec.h>
#include <openssl/pem.h>

#include "tests/unit/tools/seal/sealed_fixture.hpp"
#include "tools/seal/crypto.hpp"

using namespace sojourn;
using namespace sojourn::seal;

namespace {

using BioPtr = std::unique_ptr<BIO, Freed<BIO_free>>;

std::string text_in(BIO* memory) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory, &text);
    return {text, static_cast<std::size_t>(size)};
}

/// A pair of keys in two files.
struct KeyFiles {
    KeyFiles(SealedFixture& fixture, const std::string& name, const PkeyPtr& key) {
        const BioPtr own(BIO_new(BIO_s_mem()));
        const BioPtr known(BIO_new(BIO_s_mem()));
        REQUIRE(PEM_write_bio_PrivateKey(own.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                         nullptr) == 1);
        REQUIRE(PEM_write_bio_PUBKEY(known.get(), key.get()) == 1);
        private_file = fixture.file(name + ".key", text_in(own.get()));
        public_file = fixture.file(name + ".pub", text_in(known.get()));
    }

    std::string private_file;
    std::string public_file;
};

KeyFiles elliptic_keys(SealedFixture& fixture, const std::string& name) {
    return {fixture, name, PkeyPtr(EVP_EC_gen("P-256"))};
}

KeyFiles curve25519_keys(SealedFixture& fixture, int type) {
    return {fixture, "curve", PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, OBJ_nid2sn(type)))};
}

}  // namespace

TEST_CASE("what somebody signed is accepted with their public key, and nothing else is", "[seal]") {
    SealedFixture fixture;
    const KeyFiles ours = elliptic_keys(fixture, "ours");
    const KeyFiles theirs = elliptic_keys(fixture, "theirs");
    const ByteVector plain = some_bytes(100'000);
    ByteVector signature;
    const ByteVector sealed = fixture.seal({{}, ours.private_file}, plain, &signature).value();
    const std::string beside = fixture.file("image.sig", as_text(signature));

    CHECK(sealed == plain);
    CHECK(fixture.open({{}, ours.public_file, beside}, sealed).value() == plain);
    CHECK(fixture.open({{}, theirs.public_file, beside}, sealed).error().code ==
          ErrorCode::permission_denied);
    ByteVector changed = sealed;
    changed.back() ^= std::byte{1};
    CHECK(fixture.open({{}, ours.public_file, beside}, changed).error().code ==
          ErrorCode::permission_denied);
    CHECK(fixture.open({{}, ours.public_file, beside}, Bytes(sealed).first(99'999)).error().code ==
          ErrorCode::permission_denied);
    signature.back() ^= std::byte{1};
    const std::string forged = fixture.file("forged.sig", as_text(signature));
    CHECK(fixture.open({{}, ours.public_file, forged}, sealed).error().code ==
          ErrorCode::permission_denied);
}

TEST_CASE("what is both is signed as it was encrypted", "[seal]") {
    SealedFixture fixture;
    const KeyFiles ours = elliptic_keys(fixture, "ours");
    const std::string identity = fixture.file("key", kIdentity);
    const ByteVector plain = some_bytes(70'000);
    ByteVector signature;
    const ByteVector sealed =
        fixture.seal({{kRecipient}, ours.private_file}, plain, &signature).value();
    const std::string beside = fixture.file("image.sig", as_text(signature));

    CHECK(fixture.open({{identity}, ours.public_file, beside}, sealed).value() == plain);
    // Encrypted again for the same reader by somebody else.
    const ByteVector other = fixture.seal({{kRecipient}, {}}, plain).value();
    CHECK(fixture.open({{identity}, ours.public_file, beside}, other).error().code ==
          ErrorCode::permission_denied);
}

TEST_CASE("keys of X25519 may be in PEM", "[seal]") {
    SealedFixture fixture;
    const KeyFiles keys = curve25519_keys(fixture, EVP_PKEY_X25519);
    const ByteVector plain = some_bytes(1000);

    const ByteVector sealed = fixture.seal({{keys.public_file}, {}}, plain).value();

    REQUIRE(fixture.open({{keys.private_file}, {}, {}}, sealed).value() == plain);
}

TEST_CASE("a key of the wrong kind is refused by name", "[seal]") {
    SealedFixture fixture;
    const KeyFiles elliptic = elliptic_keys(fixture, "ours");
    const KeyFiles edwards = curve25519_keys(fixture, EVP_PKEY_ED25519);
    const std::string beside = fixture.file("image.sig", "signature");
    const auto refused = [](const auto& result, const std::string& name) {
        CHECK(result.error().code == ErrorCode::invalid_argument);
        CHECK(result.error().message.find(name) != std::string::npos);
    };

    refused(fixture.seal({{elliptic.public_file}, {}}, {}), elliptic.public_file);
    refused(fixture.open({{elliptic.private_file}, {}, {}}, {}), elliptic.private_file);
    refused(fixture.seal({{}, edwards.private_file}, {}), edwards.private_file);
    refused(fixture.open({{}, edwards.public_file, beside}, {}), edwards.public_file);
    refused(fixture.seal({{}, elliptic.public_file}, {}), elliptic.public_file);
    refused(fixture.open({{}, elliptic.private_file, beside}, {}), elliptic.private_file);
}
