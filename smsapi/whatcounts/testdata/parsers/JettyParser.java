import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.logging.LogManager;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.ServletHandler;

/**
 * Jetty on a port of its own, which it prints. It answers each request with what getParameter gives
 * and with all values of each name joined: {"jetty/version": [{name: value}, ...]}. It ends with its
 * input.
 */
public class JettyParser {
  public static void main(String[] args) throws Exception {
    System.setProperty("org.eclipse.jetty.util.log.class", "org.eclipse.jetty.util.log.JavaUtilLog");
    LogManager.getLogManager().reset();
    Server server = new Server(new InetSocketAddress("127.0.0.1", 0));
    ServletHandler handler = new ServletHandler();
    handler.addServletWithMapping(Parser.class, "/*");
    server.setHandler(handler);
    server.start();
    System.out.println(((ServerConnector) server.getConnectors()[0]).getLocalPort());
    while (System.in.read() >= 0) {}
    System.exit(0);
  }

  public static class Parser extends HttpServlet {
    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
      request.setCharacterEncoding("UTF-8"); // as frameworks' filters do
      Map<String, String> first = new TreeMap<>(), joined = new TreeMap<>();
      request.getParameterMap().forEach((name, values) -> {
        first.put(name, request.getParameter(name));
        joined.put(name, String.join(",", values));
      });
      String name = "jetty/" + Server.getVersion();
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
