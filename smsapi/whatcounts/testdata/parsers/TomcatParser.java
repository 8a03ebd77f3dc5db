import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Map;
import java.util.TreeMap;
import java.util.logging.LogManager;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.apache.catalina.util.ServerInfo;

/**
 * Tomcat on a port of its own, which it prints. It answers each request with what getParameter gives
 * and with all values of each name joined: {"tomcat/version": [{name: value}, ...]}. It ends with its
 * input.
 */
public class TomcatParser {
  public static void main(String[] args) throws Exception {
    LogManager.getLogManager().reset();
    File base = Files.createTempDirectory("tomcat").toFile();
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(base.getPath());
    tomcat.setPort(0);
    tomcat.getConnector().setProperty("address", "127.0.0.1");
    tomcat.getConnector().setProperty("relaxedQueryChars", "\"<>[\\]^`{|}");
    Context context = tomcat.addContext("", base.getPath());
    Tomcat.addServlet(context, "parser", new Parser()).addMapping("/*");
    tomcat.start();
    System.out.println(tomcat.getConnector().getLocalPort());
    while (System.in.read() >= 0) {}
    tomcat.stop();
    try (var files = Files.walk(base.toPath())) {
      files.sorted(java.util.Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    }
    System.exit(0);
  }

  static class Parser extends HttpServlet {
    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
      request.setCharacterEncoding("UTF-8"); // as frameworks' filters do
      Map<String, String> first = new TreeMap<>(), joined = new TreeMap<>();
      request.getParameterMap().forEach((name, values) -> {
        first.put(name, request.getParameter(name));
        joined.put(name, String.join(",", values));
      });
      String name = "tomcat/" + ServerInfo.getServerNumber();
      String json = "{" + quote(name) + ":[" + object(first) + "," + object(joined) + "]}";
      response.getOutputStream().write(json.getBytes(StandardCharsets.UTF_8));
    }
  }

  static String object(Map<String, String> view) {
    StringBuilder json = new StringBuilder("{");
    view.forEach((name, value) -> json.append(json.length() > 1 ? "," : "").append(quote(name)).append(':').append(quote(value)));
    return json.append('}').toString();
  }

  static String quote(String text) {
    StringBuilder json = new StringBuilder("\"");
    text.chars().forEach(c -> json.append(c >= ' ' && c < 127 && c != '"' && c != '\\' ? String.valueOf((char) c) : String.format("\\u%04x", c)));
    return json.append('"').toString();
  }
}
