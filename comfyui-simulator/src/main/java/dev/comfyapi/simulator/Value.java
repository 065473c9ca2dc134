package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/// What travels along a link. Pictures are real; models and latents only say what was asked.
sealed interface Value {

    /// A batch of pictures.
    record Pictures(List<Picture> all) implements Value {
        public Pictures {
            all = List.copyOf(all);
        }
    }

    record Masks(Mask mask) implements Value {}

    record Text(String text) implements Value {}

    record Whole(BigInteger number) implements Value {}

    record Real(double number) implements Value {}

    record Truth(boolean value) implements Value {}

    /// @param changes LoRAs and patches, in order
    record Model(String name, List<String> changes) implements Value {
        public Model {
            changes = List.copyOf(changes);
        }

        Model with(String change) {
            var more = new ArrayList<>(changes);
            more.add(change);
            return new Model(name, more);
        }
    }

    /// What the picture should show, in words, and what else steers it.
    record Conditioning(String text, List<String> controls) implements Value {
        public Conditioning {
            controls = List.copyOf(controls);
        }

        Conditioning with(String control) {
            var more = new ArrayList<>(controls);
            more.add(control);
            return new Conditioning(text, more);
        }
    }

    /// A picture to be: its size, what it starts from, and what sampling was asked to make of it.
    ///
    /// @param under the pictures it starts from; null for an empty latent
    /// @param share how much of `under` the painting covers
    /// @param mask where painting is allowed; null means everywhere
    /// @param asked null until a sampler has worked on it
    record Latent(
            int width,
            int height,
            int batch,
            @Nullable Pictures under,
            float share,
            @Nullable Mask mask,
            @Nullable Asked asked)
            implements Value {

        static Latent empty(int width, int height, int batch) {
            return new Latent(width, height, batch, null, 1, null, null);
        }
    }

    /// Silence.
    record Sound(double seconds, int rate, int channels) implements Value {

        long samples() {
            return samplesAt(rate);
        }

        long samplesAt(int otherRate) {
            return Math.round(seconds * otherRate);
        }
    }

    record Video(List<Picture> frames, double framesPerSecond) implements Value {
        public Video {
            frames = List.copyOf(frames);
        }

        int width() {
            return frames.getFirst().width();
        }

        int height() {
            return frames.getFirst().height();
        }
    }

    record Noise(BigInteger seed) implements Value {}

    record Sampler(String name) implements Value {}

    record Sigmas(String scheduler, int steps, float denoise) implements Value {}

    record Guider(Model model, Conditioning positive, @Nullable Conditioning negative, double cfg)
            implements Value {}

    /// Anything else: of the right type, and worth only its name.
    record Token(String type, String name) implements Value {}
}
