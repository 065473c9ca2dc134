package dev.comfyapi.simulator;

import java.util.Arrays;

/// One number between 0 and 1 a pixel. Nobody writes into `values` once the mask is handed on.
@SuppressWarnings("ArrayRecordComponent") // A value object of pixels; never compared.
record Mask(int width, int height, float[] values) {

    /// Where a mask gets the value of a pixel from.
    interface Source {
        float at(int x, int y);
    }

    static Mask of(int width, int height, Source source) {
        var values = new float[Math.multiplyExact(width, height)];
        for (var y = 0; y < height; y++) {
            for (var x = 0; x < width; x++) {
                values[y * width + x] = source.at(x, y);
            }
        }
        return new Mask(width, height, values);
    }

    static Mask filled(int width, int height, float value) {
        var values = new float[Math.multiplyExact(width, height)];
        Arrays.fill(values, value);
        return new Mask(width, height, values);
    }

    float at(int x, int y) {
        return values[y * width + x];
    }

    Mask scaled(int toWidth, int toHeight) {
        if (toWidth == width && toHeight == height) {
            return this;
        }
        return of(
                toWidth,
                toHeight,
                (x, y) ->
                        at(
                                (int) ((long) x * width / toWidth),
                                (int) ((long) y * height / toHeight)));
    }

    Mask inverted() {
        return of(width, height, (x, y) -> 1 - at(x, y));
    }

    Mask times(float factor) {
        return of(width, height, (x, y) -> at(x, y) * factor);
    }

    Picture toPicture() {
        var rgb = new int[values.length];
        for (var i = 0; i < rgb.length; i++) {
            rgb[i] = Math.clamp(Math.round(values[i] * 255), 0, 255) * 0x010101;
        }
        return new Picture(width, height, rgb);
    }
}
