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
constexpr std::uint64_t kTimeOfFirstUs = 1'700'000'000'000'000;
constexpr std::uint8_t kAsItIs = 0xff;  ///< first byte of an input that is an image as it stands

std::unique_ptr<Store> make_store(Random& random) {
    return *Store::open("mem:", {.create = true, .sync = false, .unit_bytes = kUnitBytes}, random);
}

/// Which of the two checkpoints of a process are in an image.
enum class Sample { first, both, second_as_difference };

Result<ByteVector> exported_image(Random& random, Sample sample) {
    const auto store = make_store(random);
    const Sha256 module = TRY(store->put_module(as_bytes("a module")));
    const auto process = TRY(store->create_process({.name = "guest"}));
    const auto family = TRY(store->family(process.family));
    const auto token = TRY(family->acquire(process.id, std::nullopt));
    ImageContent content;
    for (std::uint8_t round = 0; round < 2; ++round) {
        std::vector<EncodedUnit> units;
        for (std::uint64_t index = round; index < 4; ++index)
            units.push_back(
                encode_unit({RegionId{1}, UnitIndex{index * index}},
                            ByteVector(kUnitBytes, static_cast<std::byte>(index + round))));
        Publication publication;
        publication.info.id = TRY(family->reserve(token));
        publication.info.time_us = kTimeOfFirstUs + round;
        publication.info.message = "a good moment";
        publication.units = units;
        publication.attachment = as_bytes("machine state");
        TRY(family->publish(token, publication));
        content.checkpoints.push_back(publication.info.id);
    }
    content.modules.push_back(module);
    if (sample == Sample::first) content.checkpoints.pop_back();
    if (sample == Sample::second_as_difference) {
        content.base = content.checkpoints.front();
        content.checkpoints.erase(content.checkpoints.begin());
    }
    content.head = content.checkpoints.back();
    ByteVector image;
    TRY(export_image(*store, process, content, into(image)));
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

/// Writes these frames, each with the checksum that fits it. All is written when it returns.
Result<void> write_frames(Input frames, const ByteSink& sink) {
    ImageWriter writer(sink);
    TRY(writer.begin());
    ImageEnd end{0, 0, 0};
    while (!frames.is_empty()) {
        const auto type = FrameType{frames.take<std::uint8_t>()};
        const auto length = frames.take<std::uint32_t>();
        if (type == FrameType::end) {
            end.unit_count = frames.take<std::uint64_t>() % 16;
            TRY(writer.end(end));
            continue;
        }
        if (type == FrameType::module) ++end.module_count;
        if (type == FrameType::checkpoint) ++end.checkpoint_count;
        TRY(writer.frame(type, to_vector(frames.take_bytes(length))));
    }
    return {};
}

/// A store with a process `base` that has what a difference needs.
std::unique_ptr<Store> store_with_base(Random& random, Bytes base) {
    auto store = make_store(random);
    const auto imported = import_image(*store, out_of(base), {.name = "base"});
    EXPECTS(imported.ok(), "a complete image is imported");
    return store;
}

void add_seeds(Seeds& seeds, Bytes image) {
    ByteVector as_it_is = to_vector(image);
    as_it_is.insert(as_it_is.begin(), std::byte{kAsItIs});
    ByteVector frames = frames_of(image).value();
    // Behind the last frame's type and length stands the number of units, which write_frames()
    // takes.
    const std::size_t end_payload = 5 * sizeof(std::uint64_t);
    frames.resize(frames.size() - end_payload);
    frames.push_back(std::byte{7});
    seeds.push_back(std::move(as_it_is));
    seeds.push_back(std::move(frames));
}

}  // namespace

Seeds seeds_of_image() {
    SystemRandom random;
    Seeds seeds;
    add_seeds(seeds, exported_image(random, Sample::both).value());
    add_seeds(seeds, exported_image(random, Sample::second_as_difference).value());
    return seeds;
}

void run_image(Bytes input) {
    static SystemRandom random;
    static const ByteVector base = exported_image(random, Sample::first).value();
    const auto store = store_with_base(random, base);
    const auto before = store->find_process("base").value();
    ByteVector image;
    if (!input.empty() && input.front() == std::byte{kAsItIs}) {
        image = to_vector(input.subspan(1));
    } else {
        if (!write_frames(Input(input), into(image)).ok()) return;
    }
    auto imported = import_image(*store, out_of(image), {});
    if (!imported.ok() && imported.error().code == ErrorCode::not_found) {
        imported = import_image(*store, out_of(image), {.name = "base"});
    }
    const auto processes = store->processes().value();
    for (const auto& process : processes) {
        const auto family = store->family(process.family).value();
        EXPECTS(family->verify().value().empty(), "what is in the store verifies");
    }
    if (imported.ok()) return;
    const auto after = store->find_process("base").value();
    const auto family = store->family(after.family).value();
    EXPECTS(store->processes()->size() == 1, "a refused image leaves nothing behind");
    EXPECTS(after.head == before.head && after.state == before.state,
            "a refused difference leaves the process where it stood");
    EXPECTS(family->checkpoints(after.id)->size() == 1, "and adds nothing to it");
}

}  // namespace sojourn::fuzz
