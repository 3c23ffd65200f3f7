#include "base/hmac_sha256.hpp"

#include <catch2/catch.hpp>

using namespace sojourn;

TEST_CASE("codes of messages are those of RFC 4231", "[base]") {
    const std::string ones(20, '\x0b');
    const std::string twenty_aa(20, '\xaa');
    const std::string fifty_dd(50, '\xdd');

    REQUIRE(hmac_sha256(as_bytes(ones), {as_bytes("Hi There")}).hex() ==
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    REQUIRE(hmac_sha256(as_bytes("Jefe"), {as_bytes("what do ya want "), as_bytes("for nothing?")})
                .hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    REQUIRE(hmac_sha256(as_bytes(twenty_aa), {as_bytes(fifty_dd)}).hex() ==
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
}

TEST_CASE("codes are the same when every byte is", "[base]") {
    const Sha256 code = hmac_sha256(as_bytes("key"), {as_bytes("message")});
    Sha256 other = code;

    REQUIRE(is_same_mac(code.bytes, other.bytes));
    other.bytes.back() ^= std::byte{1};
    REQUIRE_FALSE(is_same_mac(code.bytes, other.bytes));
    REQUIRE_FALSE(is_same_mac(code.bytes, Bytes(code.bytes).first(31)));
}
