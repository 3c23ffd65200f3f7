#include <algorithm>

#include "process/attachment.hpp"
#include "tests/fuzz/seeds.hpp"

namespace sojourn::fuzz {

Seeds seeds_of_attachment() {
    process::Attachment attachment;
    attachment.modules = {sha256_of(as_bytes("one")), sha256_of(as_bytes("another"))};
    attachment.machine = as_bytes("the machine's state");
    attachment.host = as_bytes("host calls");
    attachment.leases = as_bytes("leases");
    return {process::encode_attachment(attachment)};
}

void run_attachment(Bytes input) {
    const auto decoded = process::decode_attachment(input);
    if (!decoded.ok()) return;
    EXPECTS(std::ranges::equal(process::encode_attachment(*decoded), input),
            "there is one way to write an attachment");
}

}  // namespace sojourn::fuzz
