#include "store/internal/image_format.hpp"
#include "store/store.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/support/image_bytes.hpp"

namespace sojourn::fuzz {

using namespace store;
using tests::into;
using tests::out_of;

namespace {

constexpr std::size_t kUnitBytes = 4096;
constexpr std::uint8_t kAsItIs = 0xff;  ///< first byte of an input that is an image as it stands

std::unique_ptr<Store> make_store(Random& random) {
    return *Store::open("mem:", {.create = true, .sync = false, .unit_bytes = kUnitBytes}, random);
}

Result<ByteVector> exported_image(Random& random) {
    const auto store = make_store(random);
    const std::vector modules{TRY(store->put_module(as_bytes("a module")))};
    const auto process = TRY(store->create_process({.name = "guest"}));
    const auto family = TRY(store->family(process.family));
    const auto token = TRY(family->acquire(process.id, std::nullopt));
    std::vector<EncodedUnit> units;
    for (std::uint64_t index = 0; index < 4; ++index)
        units.push_back(encode_unit({RegionId{1}, UnitIndex{index * index}},
                                    ByteVector(kUnitBytes, static_cast<std::byte>(index))));
    Publication publication;
    publication.info.id = TRY(family->reserve(token));
    publication.info.message = "a good moment";
    publication.units = units;
    publication.attachment = as_bytes("machine state");
    TRY(family->publish(token, publication));
    ByteVector image;
    TRY(export_image(*store, process, publication.info.id, modules, into(image)));
    return image;
}

/// The frames without what protects them: type, length, payload.
Result<ByteVector> frames_of(Bytes image) {
    ByteWriter frames;
    const ByteSource source = out_of(image);
    ImageReader reader(source);
    TRY(reader.begin());
    for (;;) {
        const Frame frame = TRY(reader.next());
        frames.put(static_cast<std::uint8_t>(frame.type));
        frames.put_sized(frame.payload);
        if (frame.type == FrameType::end) return frames.take();
    }
}

/// An image of these frames, each with the checksum that fits it.
Result<ByteVector> image_of(Input frames) {
    ByteVector image;
    const ByteSink sink = into(image);
    ImageWriter writer(sink);
    TRY(writer.begin());
    std::uint64_t modules = 0;
    std::uint64_t units = 0;
    while (!frames.is_empty()) {
        const auto type = FrameType{frames.take<std::uint8_t>()};
        const auto length = frames.take<std::uint32_t>();
        if (type == FrameType::end) {
            units = frames.take<std::uint64_t>() % 8;
            TRY(writer.end(modules, units));
            continue;
        }
        if (type == FrameType::module) ++modules;
        TRY(writer.frame(type, frames.take_bytes(length)));
    }
    return image;
}

}  // namespace

Seeds seeds_of_image() {
    SystemRandom random;
    const ByteVector image = exported_image(random).value();
    ByteVector as_it_is = image;
    as_it_is.insert(as_it_is.begin(), std::byte{kAsItIs});
    ByteVector frames = frames_of(image).value();
    // Behind the last frame's type and length stands the number of units, which image_of() takes.
    const std::size_t end_payload = 4 * sizeof(std::uint64_t);
    frames.resize(frames.size() - end_payload);
    frames.push_back(std::byte{4});
    return {as_it_is, frames};
}

void run_image(Bytes input) {
    static SystemRandom random;
    const auto store = make_store(random);
    ByteVector image;
    if (!input.empty() && input.front() == std::byte{kAsItIs}) {
        image = to_vector(input.subspan(1));
    } else {
        auto made = image_of(Input(input));
        if (!made.ok()) return;
        image = std::move(*made);
    }
    const auto imported = import_image(*store, out_of(image), "");
    const auto processes = store->processes();
    EXPECTS(processes.ok() && processes->size() == (imported.ok() ? 1 : 0),
            "a refused image leaves nothing behind");
    if (!imported.ok()) return;
    const auto family = store->family(imported->process.family).value();
    EXPECTS(family->verify().value().empty(), "what was imported verifies");
}

}  // namespace sojourn::fuzz
