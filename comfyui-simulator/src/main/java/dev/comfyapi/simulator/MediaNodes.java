package dev.comfyapi.simulator;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

import javax.imageio.ImageIO;

/// Nodes about sounds, videos and bodies. What they write is well-formed and small, and says
/// nothing of what a model would have made.
final class MediaNodes {

    private static final int LONGEST_SECONDS = 3_600;

    /// Corners of a cube, and its faces as two triangles each, seen from outside.
    private static final float[] CORNERS = {
        -1, -1, -1, 1, -1, -1, 1, 1, -1, -1, 1, -1, -1, -1, 1, 1, -1, 1, 1, 1, 1, -1, 1, 1
    };

    private static final short[] TRIANGLES = {
        0, 2, 1, 0, 3, 2, 4, 5, 6, 4, 6, 7, 0, 1, 5, 0, 5, 4, 2, 3, 7, 2, 7, 6, 0, 4, 7, 0, 7, 3, 1,
        2, 6, 1, 6, 5
    };

    private MediaNodes() {}

    static Map<String, NodeWork> works() {
        var works = new HashMap<String, NodeWork>();
        works.put("EmptyAudio", MediaNodes::emptyAudio);
        works.put("SaveAudio", call -> saveAudio(call, ".flac", SoundFiles::flac));
        works.put("SaveAudioMP3", call -> saveAudio(call, ".mp3", SoundFiles::mp3));
        works.put("SaveAudioOpus", call -> saveAudio(call, ".opus", SoundFiles::opus));
        works.put("PreviewAudio", MediaNodes::previewAudio);
        works.put("CreateVideo", MediaNodes::createVideo);
        works.put("SaveVideo", MediaNodes::saveVideo);
        works.put("SaveWEBM", MediaNodes::saveWebm);
        works.put("SaveGLB", MediaNodes::saveGlb);
        works.put("SimulatorCombine", MediaNodes::combine);
        return works;
    }

    private static List<Value> emptyAudio(NodeCall call) throws NodeFailure {
        var seconds = call.real("duration");
        if (!(seconds <= LONGEST_SECONDS)) {
            throw new NodeFailure(
                    "RuntimeError",
                    "DefaultCPUAllocator: can't allocate memory: not enough memory");
        }
        return List.of(new Value.Sound(seconds, call.count("sample_rate"), call.count("channels")));
    }

    private static List<Value> saveAudio(
            NodeCall call, String ending, Function<Value.Sound, byte[]> encoder)
            throws NodeFailure {
        var sound = call.get("audio", Value.Sound.class);
        report(
                call,
                "audio",
                write(call, ServerFolders.Kind.OUTPUT, prefix(call), encoder.apply(sound), ending));
        return List.of(sound);
    }

    private static List<Value> previewAudio(NodeCall call) throws NodeFailure {
        var sound = call.get("audio", Value.Sound.class);
        var prefix = SavingNodes.temporaryPrefix();
        report(
                call,
                "audio",
                write(call, ServerFolders.Kind.TEMP, prefix, SoundFiles.flac(sound), ".flac"));
        return List.of(sound);
    }

    private static List<Value> createVideo(NodeCall call) throws NodeFailure {
        return List.of(new Value.Video(call.pictures("images").all(), call.real("fps")));
    }

    private static List<Value> saveVideo(NodeCall call) throws NodeFailure {
        var video = call.get("video", Value.Video.class);
        switch (call.text("format")) {
            case "webm" -> saveVideo(call, VideoFiles.webm(video), "_.webm");
            case "mkv" -> saveVideo(call, VideoFiles.matroska(video), "_.mkv");
            default -> saveVideo(call, VideoFiles.mp4(video), "_.mp4");
        }
        return List.of(video);
    }

    private static List<Value> saveWebm(NodeCall call) throws NodeFailure {
        var pictures = call.pictures("images");
        saveVideo(
                call, VideoFiles.webm(new Value.Video(pictures.all(), call.real("fps"))), "_.webm");
        return List.of(pictures);
    }

    /// Reported as pictures; only the file's name says otherwise.
    private static void saveVideo(NodeCall call, byte[] content, String ending) throws NodeFailure {
        var ui = Json.object();
        ui.putArray("images")
                .add(write(call, ServerFolders.Kind.OUTPUT, prefix(call), content, ending));
        ui.putArray("animated").add(true);
        call.report(ui);
    }

    private static List<Value> saveGlb(NodeCall call) throws NodeFailure {
        report(call, "3d", write(call, ServerFolders.Kind.OUTPUT, prefix(call), cube(), "_.glb"));
        return List.of();
    }

    /// Binary glTF 2.0: a description and the numbers it describes, each filled up to four bytes.
    private static byte[] cube() {
        var numbers =
                ByteBuffer.allocate(4 * CORNERS.length + 2 * TRIANGLES.length)
                        .order(ByteOrder.LITTLE_ENDIAN);
        for (var corner : CORNERS) {
            numbers.putFloat(corner);
        }
        for (var corner : TRIANGLES) {
            numbers.putShort(corner);
        }
        var text =
                """
                {"asset":{"version":"2.0"},"scene":0,"scenes":[{"nodes":[0]}],"nodes":[{"mesh":0}],\
                "meshes":[{"primitives":[{"attributes":{"POSITION":0},"indices":1}]}],\
                "accessors":[{"bufferView":0,"componentType":5126,"count":8,"type":"VEC3",\
                "min":[-1,-1,-1],"max":[1,1,1]},\
                {"bufferView":1,"componentType":5123,"count":36,"type":"SCALAR"}],\
                "bufferViews":[{"buffer":0,"byteLength":96,"target":34962},\
                {"buffer":0,"byteOffset":96,"byteLength":72,"target":34963}],\
                "buffers":[{"byteLength":168}]}\
                """;
        var json = (text + " ".repeat(-text.length() & 3)).getBytes(StandardCharsets.US_ASCII);
        int size = 12 + 8 + json.length + 8 + numbers.capacity();
        return ByteBuffer.allocate(size)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0x46546C67)
                .putInt(2)
                .putInt(size)
                .putInt(json.length)
                .putInt(0x4E4F534A)
                .put(json)
                .putInt(numbers.capacity())
                .putInt(0x004E4942)
                .put(numbers.flip())
                .array();
    }

    /// As nodes do that many people have added: under a key of its own, with more members than a
    /// name, a preview beside it, and values that are no files.
    private static List<Value> combine(NodeCall call) throws NodeFailure {
        var picture = call.pictures("images").all().getFirst();
        var file = write(call, ServerFolders.Kind.OUTPUT, prefix(call), gif(picture), "_.gif");
        var preview =
                write(
                        call,
                        ServerFolders.Kind.TEMP,
                        SavingNodes.temporaryPrefix(),
                        gif(picture),
                        "_.gif");
        var ui = Json.object();
        var gifs = ui.putArray("gifs");
        gifs.add(
                file.put("format", "image/gif")
                        .put("frame_rate", 8.0)
                        .put("fullpath", "/somewhere/" + file.path("filename").asString()));
        gifs.add(preview);
        gifs.add("not a file");
        gifs.addNull();
        ui.putArray("text").add("made of 1 picture");
        ui.put("seconds", 0.125);
        call.report(ui);
        return List.of();
    }

    private static byte[] gif(Picture picture) {
        try {
            var bytes = new ByteArrayOutputStream();
            if (!ImageIO.write(picture.toImage(), "gif", bytes)) {
                throw new IllegalStateException("every JDK writes GIF");
            }
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String prefix(NodeCall call) {
        return call.text("filename_prefix");
    }

    private static ObjectNode write(
            NodeCall call, ServerFolders.Kind kind, String prefix, byte[] content, String ending)
            throws NodeFailure {
        return OutputFiles.at(call.settings().disk(), kind, prefix, 0, 0).write(content, 0, ending);
    }

    private static void report(NodeCall call, String key, JsonNode file) {
        var ui = Json.object();
        ui.putArray(key).add(file);
        call.report(ui);
    }
}
