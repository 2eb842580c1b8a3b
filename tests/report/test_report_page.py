def test_x(page):
    print(page, page.stat())
