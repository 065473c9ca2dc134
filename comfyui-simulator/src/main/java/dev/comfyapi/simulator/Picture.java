package dev.comfyapi.simulator;

import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferInt;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;

/// Red, green and blue in one int a pixel, row by row. Nobody writes into `rgb` once the picture is
/// handed on.
@SuppressWarnings("ArrayRecordComponent") // A value object of pixels; never compared.
record Picture(int width, int height, int[] rgb) {

    Picture {
        if (rgb.length != width * height) {
            throw new IllegalArgumentException(
                    "%d pixels for %dx%d".formatted(rgb.length, width, height));
        }
    }

    static Picture filled(int width, int height, int color) {
        var rgb = new int[Math.multiplyExact(width, height)];
        Arrays.fill(rgb, color & 0xFFFFFF);
        return new Picture(width, height, rgb);
    }

    static Picture of(BufferedImage image) {
        var rgb =
                image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
        for (var i = 0; i < rgb.length; i++) {
            rgb[i] &= 0xFFFFFF;
        }
        return new Picture(image.getWidth(), image.getHeight(), rgb);
    }

    BufferedImage toImage() {
        var image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        System.arraycopy(
                rgb,
                0,
                ((DataBufferInt) image.getRaster().getDataBuffer()).getData(),
                0,
                rgb.length);
        return image;
    }

    int at(int x, int y) {
        return rgb[y * width + x];
    }

    Picture map(IntUnaryOperator color) {
        var mapped = new int[rgb.length];
        for (var i = 0; i < mapped.length; i++) {
            mapped[i] = color.applyAsInt(rgb[i]);
        }
        return new Picture(width, height, mapped);
    }

    /// @param method as ComfyUI names them; everything but nearest and area is drawn by Java2D
    Picture scaled(int toWidth, int toHeight, String method) {
        if (toWidth == width && toHeight == height) {
            return this;
        }
        if (method.equals("area") || toWidth * 2 < width || toHeight * 2 < height) {
            return averaged(toWidth, toHeight);
        }
        var hint =
                switch (method) {
                    case "nearest-exact" -> RenderingHints.VALUE_INTERPOLATION_NEAREST_NEIGHBOR;
                    case "bicubic", "lanczos", "bislerp" ->
                            RenderingHints.VALUE_INTERPOLATION_BICUBIC;
                    default -> RenderingHints.VALUE_INTERPOLATION_BILINEAR;
                };
        var target = new BufferedImage(toWidth, toHeight, BufferedImage.TYPE_INT_RGB);
        var pen = target.createGraphics();
        pen.setRenderingHint(RenderingHints.KEY_INTERPOLATION, hint);
        pen.drawImage(toImage(), 0, 0, toWidth, toHeight, null);
        pen.dispose();
        return of(target);
    }

    private Picture averaged(int toWidth, int toHeight) {
        var target = new int[Math.multiplyExact(toWidth, toHeight)];
        for (var y = 0; y < toHeight; y++) {
            var top = (int) ((long) y * height / toHeight);
            var bottom = Math.max(top + 1, (int) ((long) (y + 1) * height / toHeight));
            for (var x = 0; x < toWidth; x++) {
                var left = (int) ((long) x * width / toWidth);
                var right = Math.max(left + 1, (int) ((long) (x + 1) * width / toWidth));
                target[y * toWidth + x] = average(left, top, right, bottom);
            }
        }
        return new Picture(toWidth, toHeight, target);
    }

    private int average(int left, int top, int right, int bottom) {
        long red = 0;
        long green = 0;
        long blue = 0;
        for (var y = top; y < bottom; y++) {
            for (var x = left; x < right; x++) {
                var color = rgb[y * width + x];
                red += color >> 16 & 255;
                green += color >> 8 & 255;
                blue += color & 255;
            }
        }
        var count = (long) (right - left) * (bottom - top);
        return (int) (red / count) << 16 | (int) (green / count) << 8 | (int) (blue / count);
    }

    /// The part of the picture at a place; what lies outside is filled with a color.
    Picture cropped(int left, int top, int toWidth, int toHeight, int outside) {
        var target = new int[Math.multiplyExact(toWidth, toHeight)];
        for (var y = 0; y < toHeight; y++) {
            for (var x = 0; x < toWidth; x++) {
                var fromX = x + left;
                var fromY = y + top;
                target[y * toWidth + x] =
                        fromX >= 0 && fromY >= 0 && fromX < width && fromY < height
                                ? at(fromX, fromY)
                                : outside;
            }
        }
        return new Picture(toWidth, toHeight, target);
    }

    /// The middle of the picture in the proportions of another size, as `crop: center` takes it.
    Picture centerCroppedFor(int toWidth, int toHeight) {
        var mine = (double) width / height;
        var wanted = (double) toWidth / toHeight;
        var keepWidth = mine > wanted ? Math.max(1, (int) Math.round(height * wanted)) : width;
        var keepHeight = mine > wanted ? height : Math.max(1, (int) Math.round(width / wanted));
        return cropped(
                (width - keepWidth) / 2, (height - keepHeight) / 2, keepWidth, keepHeight, 0);
    }

    /// A Gaussian blur, done the slow way on purpose: graphs use it to keep the server busy.
    Picture blurred(int radius, double sigma) {
        var kernel = new float[2 * radius + 1];
        var sum = 0f;
        for (var i = -radius; i <= radius; i++) {
            kernel[i + radius] = (float) Math.exp(-(i * i) / (2 * sigma * sigma));
            sum += kernel[i + radius];
        }
        for (var i = 0; i < kernel.length; i++) {
            kernel[i] /= sum;
        }
        return blurredAlong(kernel, 1, 0).blurredAlong(kernel, 0, 1);
    }

    private Picture blurredAlong(float[] kernel, int dx, int dy) {
        var radius = kernel.length / 2;
        var target = new int[rgb.length];
        for (var y = 0; y < height; y++) {
            for (var x = 0; x < width; x++) {
                var red = 0f;
                var green = 0f;
                var blue = 0f;
                for (var i = -radius; i <= radius; i++) {
                    var color =
                            at(
                                    Math.clamp(x + i * dx, 0, width - 1),
                                    Math.clamp(y + i * dy, 0, height - 1));
                    var weight = kernel[i + radius];
                    red += weight * (color >> 16 & 255);
                    green += weight * (color >> 8 & 255);
                    blue += weight * (color & 255);
                }
                target[y * width + x] =
                        Math.round(red) << 16 | Math.round(green) << 8 | Math.round(blue);
            }
        }
        return new Picture(width, height, target);
    }

    /// Mixes two colors; at share 0 the first remains, at 1 the second.
    static int mix(int first, int second, float share) {
        var part = Math.clamp(Math.round(share * 256), 0, 256);
        var rest = 256 - part;
        var redBlue = ((first & 0xFF00FF) * rest + (second & 0xFF00FF) * part) >>> 8 & 0xFF00FF;
        var green = ((first & 0x00FF00) * rest + (second & 0x00FF00) * part) >>> 8 & 0x00FF00;
        return redBlue | green;
    }

    /// Mixes in another picture of the same size, by one share everywhere or by a mask.
    Picture mixedWith(Picture other, Mask shares) {
        var target = new int[rgb.length];
        for (var i = 0; i < target.length; i++) {
            target[i] = mix(rgb[i], other.rgb[i], shares.values()[i]);
        }
        return new Picture(width, height, target);
    }
}
