import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.font.FontRenderContext;
import java.awt.geom.AffineTransform;
import java.awt.geom.Arc2D;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.apache.batik.ext.awt.geom.ExtendedGeneralPath;
import org.ofdrw.converter.ImageMaker;
import org.ofdrw.graphics2d.OFDGraphicsDocument;
import org.ofdrw.layout.OFDDoc;
import org.ofdrw.layout.PageLayout;
import org.ofdrw.layout.VirtualPage;
import org.ofdrw.layout.element.Position;
import org.ofdrw.layout.element.canvas.Canvas;
import org.ofdrw.layout.element.canvas.FontSetting;
import org.ofdrw.reader.OFDReader;

// Makes pictures of seals as OFD in a folder, and beside each a PNG of what it shows: drawn
// by Java 2D with the same commands, or by ofdrw from the OFD. The folder holds han.ttf,
// latin.ttf, cff.otf and group.ofd. One line a picture: its name, width and height in millimetres. Further arguments
// are outlines with arcs (SVG 1.1, 8.3.8: x y, then rx ry angle large sweep x y) that Batik draws.
public class Main {
    static final double DOTS = 300 / 25.4;
    static Path dir;

    interface Drawing {
        void on(Graphics2D g) throws Exception;
    }

    public static void main(String[] args) throws Exception {
        dir = Path.of(args[0]);
        Font han = Font.createFont(Font.TRUETYPE_FONT, dir.resolve("han.ttf").toFile());
        both("round", 42, 42, g -> round(g, han));
        both("lines", 40, 40, Main::lines);
        both("scan", 30, 30, g -> g.drawImage(scan(han), 1, 1, 28, 28, null));
        both("clipped", 42, 42, g -> clipped(g, han));
        canvas();
        text();
        outlines();
        render("group", 40, 40);
        for (int i = 1; i < args.length; i++) {
            arc("arc" + i, args[i].split(" "));
        }
    }

    static void both(String name, int width, int height, Drawing drawing) throws Exception {
        try (OFDGraphicsDocument document = new OFDGraphicsDocument(dir.resolve(name + ".ofd"))) {
            drawing.on(document.newPage(width, height));
        }
        BufferedImage picture = blank(width, height);
        drawing.on(on(picture));
        write(name, picture, width, height);
    }

    static BufferedImage blank(double width, double height) {
        return new BufferedImage((int) Math.round(width * DOTS), (int) Math.round(height * DOTS), BufferedImage.TYPE_INT_ARGB);
    }

    static Graphics2D on(BufferedImage picture) {
        Graphics2D g = picture.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        g.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
        g.scale(DOTS, DOTS);
        return g;
    }

    static void write(String name, BufferedImage picture, double width, double height) throws Exception {
        ImageIO.write(picture, "PNG", dir.resolve(name + ".png").toFile());
        System.out.println(name + " " + width + " " + height);
    }

    // A seal as GB/T 38540 has it: ring, star, and a name along the ring.
    static void round(Graphics2D g, Font font) {
        g.setColor(Color.RED);
        g.setStroke(new BasicStroke(1.2f));
        g.draw(new Ellipse2D.Double(1, 1, 40, 40));
        Path2D star = new Path2D.Double();
        for (int i = 0; i < 5; i++) {
            double turn = -Math.PI / 2 + i * 4 * Math.PI / 5, x = 21 + 7 * Math.cos(turn), y = 21 + 7 * Math.sin(turn);
            if (i == 0) {
                star.moveTo(x, y);
            } else {
                star.lineTo(x, y);
            }
        }
        star.closePath();
        g.fill(star);
        String name = "安徽省合肥市样例公安局";
        FontRenderContext context = new FontRenderContext(null, true, true);
        for (int i = 0; i < name.length(); i++) {
            Shape glyph = font.deriveFont(5f).createGlyphVector(context, name.substring(i, i + 1)).getOutline(-2.5f, 0);
            AffineTransform place = AffineTransform.getRotateInstance(Math.toRadians(-120 + 240.0 * i / (name.length() - 1)), 21, 21);
            place.translate(21, 7.5);
            g.fill(place.createTransformedShape(glyph));
        }
    }

    // A seal of which is seen what an ellipse and a rectangle share.
    static void clipped(Graphics2D g, Font font) {
        g.clip(new Ellipse2D.Double(4, 2, 30, 38));
        g.clip(new Rectangle2D.Double(0, 0, 42, 30));
        round(g, font);
    }

    // Every end and corner of a line, and areas that cross themselves.
    static void lines(Graphics2D g) {
        int[] caps = {BasicStroke.CAP_BUTT, BasicStroke.CAP_ROUND, BasicStroke.CAP_SQUARE};
        int[] joins = {BasicStroke.JOIN_MITER, BasicStroke.JOIN_ROUND, BasicStroke.JOIN_BEVEL};
        g.setColor(new Color(200, 16, 30));
        for (int i = 0; i < 9; i++) {
            g.setStroke(new BasicStroke(1.5f, caps[i / 3], joins[i % 3], 4));
            double x = 3 + i % 3 * 12, y = 4 + i / 3 * 9;
            Path2D p = new Path2D.Double();
            p.moveTo(x, y);
            p.lineTo(x + 8, y);
            p.lineTo(x + 4, y + 5); // a sharp corner
            p.lineTo(x, y + 4);
            g.draw(p);
            if (i % 3 == 0) {
                g.draw(new Arc2D.Double(x + 9, y, 4, 4, 30, 200, Arc2D.OPEN));
            }
        }
        g.setStroke(new BasicStroke(0.5f));
        g.draw(new Rectangle2D.Double(2, 32, 6, 5));
        Path2D curve = new Path2D.Double();
        curve.moveTo(12, 33);
        curve.quadTo(20, 28, 20, 37);
        curve.curveTo(30, 28, 20, 30, 38, 38);
        g.draw(curve);
        g.setColor(Color.WHITE); // paint over ink
        g.fill(new Rectangle2D.Double(4, 3, 4, 2));
    }

    static BufferedImage scan(Font font) {
        BufferedImage picture = new BufferedImage(500, 500, BufferedImage.TYPE_INT_ARGB);
        Graphics2D g = picture.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        g.scale(500 / 42.0, 500 / 42.0);
        round(g, font);
        return picture;
    }

    // Lines with widths, turned and stretched, as ofdrw's layout writes and its converter draws them.
    static void canvas() throws Exception {
        Path file = dir.resolve("canvas.ofd");
        try (OFDDoc document = new OFDDoc(file)) {
            Canvas canvas = new Canvas(42d, 42d);
            canvas.setPosition(Position.Absolute).setX(0d).setY(0d);
            canvas.setDrawer(c -> {
                c.setStrokeColor(255, 0, 0).setFillColor(255, 0, 0).setLineWidth(0.4); // what its converter draws in any case
                c.beginPath();
                c.moveTo(21, 2);
                c.bezierCurveTo(47, 2, 47, 40, 21, 40);
                c.bezierCurveTo(-5, 40, -5, 2, 21, 2);
                c.closePath();
                c.stroke();
                c.save();
                c.translate(21, 21);
                c.rotate(30);
                c.scale(1.5, 1);
                c.fillRect(-4, -3, 8, 6);
                c.restore();
                c.strokeRect(10, 30, 20, 4);
            });
            document.addVPage(page(42, 42, canvas));
        }
        render("canvas", 42, 42);
    }

    static void text() throws Exception {
        Path file = dir.resolve("text.ofd");
        try (OFDDoc document = new OFDDoc(file)) {
            Canvas canvas = new Canvas(40d, 20d);
            canvas.setPosition(Position.Absolute).setX(0d).setY(0d);
            canvas.setDrawer(c -> {
                c.addFont("Latin", dir.resolve("latin.ttf"));
                c.setFont(new FontSetting(6d, new org.ofdrw.font.Font("Latin", "Latin", dir.resolve("latin.ttf"))));
                c.setFillColor(200, 0, 0);
                c.fillText("34010000", 4, 12);
            });
            document.addVPage(page(40, 20, canvas));
        }
        render("text", 40, 20);
    }

    // Text in a font with CFF outlines, as Java draws it: cff.otf, size 6, a character each 6.5 mm.
    static void outlines() throws Exception {
        Font font = Font.createFont(Font.TRUETYPE_FONT, dir.resolve("cff.otf").toFile()).deriveFont(6f);
        BufferedImage picture = blank(40, 20);
        Graphics2D g = on(picture);
        g.setColor(Color.RED);
        FontRenderContext context = new FontRenderContext(null, true, true);
        String text = "第一行是二句";
        for (int i = 0; i < text.length(); i++) {
            g.fill(font.createGlyphVector(context, text.substring(i, i + 1)).getOutline(0.5f + 6.5f * i, 12));
        }
        write("cff", picture, 40, 20);
    }

    static VirtualPage page(double width, double height, Canvas canvas) {
        VirtualPage page = new VirtualPage(new PageLayout(width, height));
        page.add(canvas);
        return page;
    }

    static void render(String name, double width, double height) throws Exception {
        try (OFDReader reader = new OFDReader(dir.resolve(name + ".ofd"))) {
            write(name, new ImageMaker(reader, DOTS).makePage(0), width, height);
        }
    }

    static void arc(String name, String[] n) throws Exception {
        float[] v = new float[n.length];
        for (int i = 0; i < n.length; i++) {
            v[i] = Float.parseFloat(n[i]);
        }
        ExtendedGeneralPath p = new ExtendedGeneralPath();
        p.moveTo(v[0], v[1]);
        p.arcTo(v[2], v[3], v[4], v[5] == 1, v[6] == 1, v[7], v[8]);
        BufferedImage picture = blank(40, 40);
        Graphics2D g = on(picture);
        g.setColor(Color.RED);
        g.setStroke(new BasicStroke(1f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER));
        g.draw(p);
        write(name, picture, 40, 40);
    }
}
