package dev.comfyapi.simulator;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/// Reads pictures of the kinds the JDK knows, and writes JPEG.
final class PictureFiles {

    private PictureFiles() {}

    /// @throws IOException if this is no picture, or one the JDK cannot read (WebP)
    static BufferedImage read(byte[] bytes) throws IOException {
        var stream = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes));
        var image = ImageIO.read(stream);
        if (image == null) {
            throw new IOException("cannot identify image file");
        }
        return image;
    }

    /// How see-through each pixel is: 1 where nothing is seen, as ComfyUI makes masks from alpha.
    static Mask transparency(BufferedImage image) {
        if (!image.getColorModel().hasAlpha()) {
            return Mask.filled(64, 64, 0);
        }
        return alpha(image).inverted();
    }

    static Mask alpha(BufferedImage image) {
        return Mask.of(
                image.getWidth(), image.getHeight(), (x, y) -> (image.getRGB(x, y) >>> 24) / 255f);
    }

    static byte[] jpeg(Picture picture, float quality) {
        var writer = ImageIO.getImageWritersByFormatName("jpeg").next();
        try {
            var bytes = new ByteArrayOutputStream();
            var param = writer.getDefaultWriteParam();
            param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
            param.setCompressionQuality(quality);
            try (var stream = new MemoryCacheImageOutputStream(bytes)) {
                writer.setOutput(stream);
                writer.write(null, new IIOImage(picture.toImage(), null, null), param);
            }
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            writer.dispose();
        }
    }
}
