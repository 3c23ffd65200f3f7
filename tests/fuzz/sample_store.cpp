#include "tests/fuzz/sample_store.hpp"

namespace sojourn::fuzz {

using namespace store;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kUnitBytes = 4096;

}  // namespace

EncodedUnit sample_unit(std::uint64_t index, int fill) {
    return encode_unit({RegionId{1}, UnitIndex{index}},
                       ByteVector(kUnitBytes, static_cast<std::byte>(fill)));
}

Result<Version> publish_sample(Family& family, FencingToken token, std::vector<EncodedUnit> units) {
    Publication publication;
    publication.info.id = TRY(family.reserve(token));
    publication.units = units;
    publication.attachment = as_bytes("machine state");
    TRY(family.publish(token, publication));
    return publication.info.id;
}

SampleStore::SampleStore() {
    EXPECTS(make().ok(), "a store can be made");
}

const SampleStore& SampleStore::original() {
    static const SampleStore made;
    return made;
}

Result<void> SampleStore::make() {
    const auto store = TRY(
        Store::open(path(), {.create = true, .sync = false, .unit_bytes = kUnitBytes}, random_));
    TRY(store->put_module(as_bytes(kModule)));
    const auto process = TRY(store->create_process({.name = "guest"}));
    const auto family = TRY(store->family(process.family));
    auto token = TRY(family->acquire(process.id, std::nullopt));
    const Version first = TRY(
        publish_sample(*family, token, {sample_unit(0, 1), sample_unit(1, 2), sample_unit(9, 3)}));
    const Version second = TRY(publish_sample(*family, token, {sample_unit(0, 4)}));
    const Version third =
        TRY(publish_sample(*family, token, {sample_unit(1, 5), sample_unit(2, 6)}));
    token = TRY(family->acquire(process.id, first));
    head_ = TRY(publish_sample(*family, token, {sample_unit(0, 7)}));
    TRY(family->remove_checkpoint(second));
    const Version staged = TRY(family->reserve(token));
    TRY(family->stage(token, staged, std::vector{sample_unit(4, 8)}));
    checkpoints_ = {{first, {{0, 1}, {1, 2}, {9, 3}}},
                    {third, {{0, 4}, {1, 5}, {2, 6}, {9, 3}}},
                    {head_, {{0, 7}, {1, 2}, {9, 3}}}};
    return {};
}

fs::path SampleStore::fresh_copy() const {
    fs::path copy = folder_.path() / "copy";
    fs::remove_all(copy);
    fs::copy(path(), copy, fs::copy_options::recursive);
    return copy;
}

}  // namespace sojourn::fuzz
