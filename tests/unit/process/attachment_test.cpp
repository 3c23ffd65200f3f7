#include "process/attachment.hpp"

#include <catch2/catch.hpp>

using namespace sojourn;
using namespace sojourn::process;

namespace {

Attachment sample() {
    Attachment attachment;
    attachment.stage = Stage::start_function;
    attachment.modules = {sha256_of(as_bytes("one")), sha256_of(as_bytes("two"))};
    attachment.machine = as_bytes("frames");
    attachment.host = as_bytes("descriptors");
    attachment.leases = as_bytes("recipes");
    attachment.files.process.bytes.fill(std::byte{7});
    attachment.files.position = 41;
    return attachment;
}

}  // namespace

TEST_CASE("an attachment reads back as it was written", "[process]") {
    const ByteVector bytes = encode_attachment(sample());

    const auto read = decode_attachment(bytes);

    REQUIRE(read.ok());
    REQUIRE(read->stage == Stage::start_function);
    REQUIRE(read->modules == sample().modules);
    REQUIRE(as_text(read->machine) == "frames");
    REQUIRE(as_text(read->host) == "descriptors");
    REQUIRE(as_text(read->leases) == "recipes");
    REQUIRE(read->files == sample().files);
}

TEST_CASE("the attachment of a process that has ended says how", "[process]") {
    Attachment ended = sample();
    ended.stage = Stage::ended;
    ended.exit_code = -134;

    const auto read = decode_attachment(encode_attachment(ended));

    REQUIRE(read.ok());
    REQUIRE(read->stage == Stage::ended);
    REQUIRE(read->exit_code == -134);
}

TEST_CASE("an attachment cut off at any byte is corrupt", "[process]") {
    const ByteVector bytes = encode_attachment(sample());

    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto read = decode_attachment(Bytes(bytes).first(size));
        INFO("cut to " << size << " bytes");
        REQUIRE_FALSE(read.ok());
        REQUIRE(read.error().code == ErrorCode::corrupt);
    }
}

TEST_CASE("an attachment with a byte too many is corrupt", "[process]") {
    ByteVector bytes = encode_attachment(sample());
    bytes.push_back(std::byte{0});

    REQUIRE(decode_attachment(bytes).error().code == ErrorCode::corrupt);
}

TEST_CASE("an attachment with a flipped bit is refused or reads as something well formed",
          "[process]") {
    const ByteVector original = encode_attachment(sample());
    std::size_t refused = 0;

    for (std::size_t bit = 0; bit < original.size() * 8; ++bit) {
        ByteVector bytes = original;
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        const auto read = decode_attachment(bytes);
        if (!read.ok()) {
            ++refused;
            continue;
        }
        REQUIRE((read->stage == Stage::start_function || read->stage == Stage::main));
        REQUIRE(read->modules.size() == 2);
    }

    // Every bit of the magic, the version, the stage and the six section headers matters.
    REQUIRE(refused >= (8 + 4 + 6 * 16) * 8 - 2);
}

TEST_CASE("an attachment of another version names both versions", "[process]") {
    ByteVector bytes = encode_attachment(sample());
    bytes[4] = std::byte{9};

    const auto read = decode_attachment(bytes);

    REQUIRE(read.error().code == ErrorCode::unsupported_format);
    REQUIRE(read.error().message.find('9') != std::string::npos);
}

TEST_CASE("a section that claims more bytes than there are sizes no allocation", "[process]") {
    ByteVector bytes = encode_attachment(sample());
    for (std::size_t i = 16; i < 24; ++i)
        bytes[i] = std::byte{0xff};

    REQUIRE(decode_attachment(bytes).error().code == ErrorCode::corrupt);
}
